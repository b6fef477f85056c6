# ruff: noqa: E501 - a line of the notation is one argument or one request
"""The functions and look-ups that training drafts use, in the notation of ``_action_grammar``."""

from __future__ import annotations

FUNCTIONS = {
    "geometry": """
area_from_base_and_height area_of_triangle compute_triangle_area triangle_surface
= compute the area of a triangle
: Computes how large a triangle is from its base and the height above it. | Area of a triangle from base and height
- base base_length b : int 2 90 ; The base of the triangle. | Length of the base ; with a base of {} | with base {}
- height h triangle_height : int 2 90 ; The height of the triangle. | Height over the base ; with a height of {} | with height {}
-? unit units length_unit : unit_length := "units" ; The unit of measurement. ; , measured in {} | All lengths are in {}
I (compute|calculate|find|work out) the area of a triangle
Q what's the area of a triangle
L the area of a triangle

area_from_radius area_of_circle compute_circle_area disc_area
= compute the area of a circle
: Calculate the area of a circle from its radius. | Area of a circle
-* radius r circle_radius : num 1 60 1 ; The radius of the circle. | Radius
-? unit units : unit_length := "m" ; Unit of the radius ; , in {} | in {}
I (compute|calculate|find) the area of a circle with (a radius of|radius) {radius}
Q how big is a circle with a radius of {radius}
Q what area does a circle of radius {radius} have
L the area of a circle (of|with) radius {radius}

circle_circumference circumference_of_circle compute_circumference perimeter_of_circle
= compute the circumference of a circle
: Calculate the circumference of a circle. | Length around a circle of a given radius.
-* radius r : num 1 60 1 ; The radius of the circle.
I (compute|find) the circumference of a circle with a radius of {radius}
Q how long is the edge of a circle with radius {radius}
L the circumference of a circle with radius {radius}

rectangle_perimeter perimeter_of_rectangle compute_perimeter fence_length
= compute the perimeter of a rectangle
: Calculate the perimeter of a rectangle from its length and width. | Perimeter of a rectangle
- length side_a l : int 2 200 ; The length of the rectangle. ; with a length of {} | with length {}
- width side_b w : int 2 200 ; The width of the rectangle. ; with a width of {} | with width {}
I (compute|calculate|find) the perimeter of a rectangle
I find the perimeter of a rectangle that is {length} long and {width} wide
Q what's the perimeter of a {length} by {width} rectangle
L the perimeter of a rectangle measuring {length} x {width}

cylinder_volume volume_of_cylinder compute_cylinder_volume tank_volume
= compute the volume of a cylinder
: Calculate the volume of a cylinder with the given radius and height. | Volume of a cylinder
- radius r base_radius : num 1 40 1 ; Radius of the base. ; with a radius of {} | with radius {}
- height h length : num 1 80 1 ; Height of the cylinder. ; with a height of {} | with height {}
-? unit units : unit_length := "cm" ; Unit of length ; , in {} | The lengths are in {}
I (compute|calculate|work out) the volume of a cylinder
Q how much fits in a cylinder
Q what's the volume of a cylinder
L the volume of a cylinder

sphere_surface sphere_surface_area surface_of_sphere ball_surface
= compute the surface of a sphere
: Compute the surface area of a sphere. | Surface area of a sphere from its radius.
-* radius r : num 1 50 1 ; Radius of the sphere.
I (compute|find) the surface (area|) of a sphere with radius {radius}
Q how much surface does a ball of radius {radius} have
L the surface area of a sphere of radius {radius}

right_triangle_hypotenuse hypotenuse_length compute_hypotenuse longest_side
= compute a hypotenuse
: Find the length of the hypotenuse of a right triangle. | Longest side of a right triangle
- leg_a a side_a first_leg : int 2 60 ; Length of the first leg.
- leg_b b side_b second_leg : int 2 60 ; Length of the second leg.
I find the hypotenuse of a right triangle with legs {leg_a} and {leg_b}
Q how long is the hypotenuse if the legs are {leg_a} and {leg_b}
L the hypotenuse for the legs {leg_a} and {leg_b}
S A right triangle has legs of {leg_a} and {leg_b}. How long is the longest side?

point_distance distance_of_points euclidean_distance distance_2d
= compute the distance of points
: Calculate the Euclidean distance between two points in the plane. | Distance between two points
- point_a a start first_point p1 : ints 0 20 2 2 ; Coordinates of the first point [x, y].
- point_b b end second_point p2 : ints 0 20 2 2 ; Coordinates of the second point [x, y].
I (compute|find) the distance between the points {point_a} (and the point|and) {point_b}
Q how far apart are the points {point_a} and the point {point_b}
L the distance from point {point_a} to point {point_b}

regular_polygon_angle interior_angle polygon_interior_angle
= compute angles of polygons
: Interior angle of a regular polygon with a given number of sides. | Angle of a regular polygon
-* sides n number_of_sides : int 3 30 ; Number of sides.
-? radians in_radians use_radians : bool := false ; Return radians instead of degrees. ; t: in radians
I (compute|find) the interior angle of a regular polygon with {sides} sides
Q how large is the angle in a regular polygon with {sides} sides
L the interior angle of a regular polygon with {sides} sides
""",
    "number": """
compute_factorial factorial_of get_factorial n_factorial
= compute factorials
: Calculate the factorial of a whole number. | Factorial of n
-* n number value num : int 3 40 ; The number.
I (compute|calculate) the factorial of {n}
Q what's {n} factorial
Q what is {n}!
L the factorial of {n}

greatest_common_divisor find_gcd gcd_of common_divisor
= find common divisors
: Compute the greatest common divisor of two integers. | Largest number that divides both numbers.
- a first num1 number_a : int 61 999 ; First number
- b second num2 number_b : int 61 999 ; Second number
I (find|compute) the (greatest common divisor|gcd) of {a} and {b}
Q what's the largest number that divides both {a} and {b}
L the gcd of {a} and {b}

least_common_multiple find_lcm lcm_of common_multiple
= find common multiples
: Least common multiple of a list of integers. | Smallest number that all numbers divide.
- numbers values integers : ints 2 40 2 4 ; The integers.
I (find|compute) the (least common multiple|lcm) of {numbers}
Q what's the lcm of {numbers}
L the smallest common multiple of {numbers}

is_prime check_prime prime_test test_prime
= test for primes
: Check whether an integer is a prime number. | Prime test
-* number n value candidate : int 61 9999 ; The number to check.
I (check|test) whether {number} is (a prime|prime)
Q is {number} (a prime number|prime)
S I wonder if {number} is prime.
F {number} prime?

factor_into_primes factorize factor_number prime_decomposition
= factor numbers
: Find the prime factors of a number. | Decompose a number into primes
-* number n value : int 61 9999 ; Number to decompose.
-? with_multiplicity count_repeats multiplicity : bool := false ; Whether to repeat equal factors. ; t: , repeating equal factors
I (factor|factorise|decompose) {number}
I find the prime factors of {number}
Q which primes divide {number}
L the prime factors of {number}

fibonacci_numbers fibonacci_sequence first_fibonacci
= list Fibonacci numbers
: Return the first terms of the Fibonacci sequence. | Fibonacci numbers
- count n terms length : int 3 40 ; Number of terms.
-? start_with_zero include_zero : bool := true ; Whether the sequence starts at 0. ; f: without the zero at the start
I (list|give me|compute) the first {count} Fibonacci numbers
L the first {count} Fibonacci numbers
Q what are the first {count} Fibonacci numbers

convert_base number_base_conversion change_base radix_convert
= convert number bases
: Convert a number from one base to another. | Write a number in another base
- number value digits : id ### ; The number, as text.
- from_base source_base base_from : int 4 16 ; Base in which it is given.
- to_base target_base base_to : int 2 36 ; Base to convert to.
I convert {number} from base {from_base} to base {to_base}
I write {number}, which is in base {from_base}, in base {to_base}
Q what is {number} (base {from_base}) in base {to_base}
F {number}, base {from_base} to base {to_base}

quadratic_solutions quadratic_solver roots_of_quadratic quadratic_equation_roots
= solve quadratic equations
: Solves a*x^2 + b*x + c = 0 for x and returns both solutions. | Solve a quadratic equation from its coefficients.
- a coefficient_a : int 2 12 ; Coefficient of x squared. ; with a = {}
- b coefficient_b : int 2 30 ; Coefficient of x. ; with b = {}
- c coefficient_c constant : int 2 40 ; Constant term. ; with c = {}
I solve the quadratic equation
I find the roots of a quadratic equation
I solve {a}x^2 + {b}x + {c} = 0
Q what are the roots of {a}x^2 + {b}x + {c} = 0
Q what are the solutions of a quadratic equation

power_of raise_to_power exponentiate compute_power
= compute powers
: Raise a number to a power. | Compute a power
- base number x : num 2 20 1 ; The base.
- exponent power n : int 2 12 ; The exponent.
-? modulus mod modulo : int 2 97 ; Reduce the result modulo this number. ; modulo {} | , mod {}
I raise {base} to the power of {exponent}
Q what is {base} to the power (of|) {exponent}
L {base} to the power of {exponent}

round_number round_value round_to_digits
= round numbers
: Round a number to a number of decimal places. | Rounding
- number value x : id #.#### ; The number, as text
- digits decimals places : int 1 3 ; Decimal places
I round {number} to {digits} (decimals|decimal places|digits)
Q what's {number} rounded to {digits} decimals
L {number} rounded to {digits} places

convert_length length_converter unit_length_conversion
= convert lengths
: Convert a length from one unit to another. | Length converter
- value amount length : num 1 500 1 ; The length.
- from_unit source unit_from : enum km=kilometres/km,miles,feet,meters=metres/m ; Unit of the given length.
- to_unit target unit_to : enum inches,yards,cm=centimetres/cm,nautical_miles=nautical miles ; Unit to convert to.
I convert {value} {from_unit} (to|into) {to_unit}
Q how many {to_unit} are {value} {from_unit}
F {value} {from_unit} in {to_unit}

convert_temperature temperature_converter temp_convert
= convert temperatures
: Convert a temperature between scales. | Temperature converter
- degrees value temperature : num 10 200 1 ; The temperature.
- from_scale from_unit source_scale : enum celsius=Celsius,fahrenheit=Fahrenheit ; Scale of the given value.
- to_scale to_unit target_scale : enum kelvin=kelvin,rankine=Rankine ; Scale to convert to.
I convert {degrees} degrees {from_scale} to {to_scale}
Q how much is {degrees} degrees {from_scale} in {to_scale}
F {degrees} {from_scale} to {to_scale}

vector_dot_product inner_product scalar_product
= compute dot products
: Multiply two vectors of numbers and sum the products. | Dot product of two vectors.
- left a first vector_a : ints 0 12 3 3 ; First vector.
- right b second vector_b : ints 0 12 3 3 ; Second vector.
I compute the dot product of {left} (with|and the vector) {right}
Q what's the dot product of {left} and the vector {right}
L the dot product of the vectors {left} and {right}
""",
    "statistics": """
calculate_mean average_of compute_mean arithmetic_mean
= compute averages
: Calculate the mean of a list of numbers. | Average of the numbers
- numbers values data : nums 1 100 3 6 ; The numbers.
I (compute|calculate|find) the (mean|average) of {numbers}
Q what's the (average|mean) of {numbers}
L the average of {numbers}
F mean of {numbers}

calculate_median median_of compute_median middle_value
= compute medians
: Median of a list of numbers. | Find the middle value of the data.
- numbers values data : nums 1 100 3 7 ; The numbers.
I (compute|find) the median of {numbers}
Q what's the median of {numbers}
Q which value is in the middle of {numbers}
L the median of {numbers}

standard_deviation std_dev compute_deviation spread_of_data
= compute standard deviations
: Calculate the standard deviation of a data set. | Standard deviation
- data numbers values sample : ints 1 100 4 7 ; The data.
-? sample_based is_sample unbiased : bool := false ; Whether the data is a sample of a larger population. ; t: , treating it as a sample
I (compute|calculate) the standard deviation of {data}
Q how much do the values {data} vary
L the standard deviation of {data}

regress_line fit_line least_squares_line regression_line
= fit lines
: Fit a straight line to points by least squares. | Linear regression of y on x
- x x_values xs : ints 1 30 4 4 ; Values of x.
- y y_values ys : ints 1 60 4 4 ; Values of y.
-? predict_at predict x_new : int 2 60 ; A value of x to predict y for. ; and predict y at {} | and predict the value at x = {}
I fit a line through x = {x} and y = {y}
I run a linear regression with x values {x} and y values {y}
L the regression line of x: {x} and y: {y}
Q what line fits the x values {x} and the y values {y} best

percentile_of find_percentile compute_percentile
= compute percentiles
: Return a percentile of a data set. | Value below which a share of the data lies.
- data numbers values : ints 1 100 4 7 ; The data.
- percent percentile p : int 61 95 ; The percentile, 0 to 100.
I find percentile {percent} of {data}
Q what's percentile {percent} of {data}
L percentile {percent} of the data {data}

z_score standard_score compute_z normalize_value
= compute z-scores
: Standard score of a value, given mean and standard deviation of the distribution. | z-score
- value x observation : int 61 180 ; The value. ; with a value of {}
- mean mu average : int 61 140 ; Mean of the distribution. ; with a mean of {}
- std sigma deviation : num 2 20 1 ; Standard deviation. ; with a standard deviation of {}
I (compute|find) the z-score
Q what's the z-score
L the z-score of {value}
S The mean is {mean}, the standard deviation {std}. Which z-score has {value}?
""",
    "finance": """
interest_compounded future_value_compound compound_growth grow_investment
= compute compound interest
: Calculate the value of an investment with compound interest. | Future value with compound interest
- principal amount initial_amount start_capital : money 500 20000 ; Initial amount of money. ; with {} invested | with an initial amount of {}
- rate annual_rate interest_rate : rate 1 9 ; Annual interest rate. ; at {} (a year|annual interest) | at a rate of {}
- years time duration num_years : int 2 40 ; Number of years. ; over {} years | for {} years
-? times_per_year compounds_per_year n frequency : int 2 12 := 1 ; How many times a year interest is added. ; , compounded {} times a year | Interest is added {} times a year
I (compute|calculate|work out) the compound interest on {principal}
Q what will {principal} grow to with compound interest
L the compound interest on {principal}
S I put {principal} away at {rate} for {years} years. How much is it with compound interest?

interest_without_compounding flat_interest interest_simple
= compute simple interest
: Simple interest on a principal. | Interest without compounding.
- principal amount loan : money 200 9000 ; The principal.
- rate percent yearly_rate : percent 1 12 ; Rate in percent a year. ; at {} | at {} a year
- years time period : int 2 20 ; Years. ; for {} years | over {} years
I (compute|calculate) the simple interest on {principal}
Q how much simple interest do I get on {principal}
L the simple interest on {principal}

monthly_payment loan_payment mortgage_payment installment_amount
= compute loan payments
: Calculate the monthly payment of a loan. | Monthly instalment of a mortgage
- loan_amount principal amount debt : money 3000 400000 ; Amount of the loan.
- annual_rate interest_rate rate : rate 2 9 ; Annual interest rate. ; at {} | at an interest rate of {}
- years term loan_term duration_years : int 2 30 ; Duration in years. ; over {} years | with a term of {} years
-? down_payment deposit upfront : money 1000 50000 ; Money paid at the start. ; with {} down | I can put {} down
I (compute|calculate|work out) the monthly payment (for|on) a loan of {loan_amount}
Q how much do I pay each month for a loan of {loan_amount}
L the monthly payment for a mortgage of {loan_amount}

price_of_share stock_quote share_price current_stock_price #stock
= look up share prices
: Current price of a stock. | Get the latest quote of a share by its symbol.
-* symbol ticker stock share : ticker ; Ticker symbol of the company.
-? currency in_currency : currency ; Currency of the price. ; in {}
I (check|get|look up) the (share|stock) price of {symbol}
Q how much is one share of {symbol}
Q what's {symbol} trading at
L the stock price of {symbol}
F {symbol} quote

buy_shares place_stock_order purchase_stock_shares trade_buy
= buy shares
: Buy shares of a company. | Place an order to buy stock
- symbol ticker stock : ticker ; Ticker symbol.
- shares quantity count : int 2 200 ; Number of shares.
-? limit_price max_price price_limit : money 5 400 ; Highest price a share. ; for {} each at most | but not above {}
-? order_type kind : enum market=at market price,limit=as a limit order ; Kind of order. ; {}
I buy {shares} shares of {symbol}
I get me {shares} {symbol} shares
S I want {shares} shares of {symbol}.
F buy {shares} {symbol}

change_currency money_converter exchange_money fx_convert
= convert currencies
: Convert an amount from one currency to another. | Currency converter
- amount value sum : num 5 5000 1 ; Amount to convert.
- from_currency source base from_code : currency ; Currency of the amount, three letters.
-* to_currency target quote to_code : currency ; Currency to convert to, three letters.
-? date on_date rate_date : date ; Day whose exchange rate is used. ; at the rate of {} | on {}
I convert {amount} {from_currency} (to|into) {to_currency}
Q how much is {amount} {from_currency} in {to_currency}
L {amount} {from_currency} in {to_currency}
F {amount} {from_currency} -> {to_currency}

return_on_investment compute_roi roi_of investment_return
= compute returns on investment
: Calculate the return on an investment. | ROI from cost and gain
- cost invested initial_cost : money 500 20000 ; What was invested. ; with a cost of {}
- gain final_value proceeds : money 500 40000 ; What came back. ; with proceeds of {}
-? years holding_years : int 2 15 ; Years between both. ; , held for {} years
I (compute|calculate) the return on an investment
Q what's my ROI if I invested {cost} and got back {gain}
S I invested {cost} and got {gain} back. What's the return?
L the ROI for an investment

apply_discount discounted_price sale_price price_after_discount
= compute discounts
: Price after a discount. | Subtract a percentage from a price
- price original_price amount : money 10 900 ; Original price.
- discount percent_off reduction : percent 5 70 ; Discount in percent.
I take {discount} off {price}
Q what's {price} with {discount} off
L the price of something that costs {price} after a {discount} discount

compute_vat sales_tax tax_on_amount add_tax
= compute sales tax
: Tax on an amount at a given rate. | Sales tax of a country
- amount net_amount price : money 10 2000 ; Amount before tax.
- country region : country ; Country whose rate applies.
-? reduced reduced_rate use_reduced : bool := false ; Whether the reduced rate applies. ; t: at the reduced rate
I (compute|work out) the (VAT|sales tax) on {amount} in {country}
Q how much VAT is due on {amount} in {country}
L the sales tax on {amount} in {country}

split_bill share_costs divide_bill bill_per_person
= split bills
: Split a bill between people. | Amount that each person pays
- total bill amount : money 20 400 ; Total of the bill.
- people persons diners : int 2 12 ; Number of people.
-? tip_percent tip gratuity : percent 5 20 ; Tip in percent. ; with a {} tip | and add {} for the tip
I (split|divide) {total} between {people} people
Q what does each of {people} people pay for a bill of {total}
L the share of each when {people} people split {total}
""",
    "physics": """
kinetic_energy energy_of_motion compute_kinetic_energy
= compute kinetic energy
: Calculate the kinetic energy of a moving body. | Kinetic energy from mass and speed
- mass mass_kg m : num 1 900 1 ; Mass in kilograms. ; with a mass of {} kg
- velocity speed v : num 1 90 1 ; Speed in metres per second. ; with a speed of {} m/s
I (compute|calculate|find) the kinetic energy of (a body|an object)
Q what's the kinetic energy of an object
Q how much energy has a body of {mass} kg at {velocity} m/s
L the kinetic energy of {mass} kg moving at {velocity} m/s

compute_force newton_force force_from_mass required_force
= compute forces
: Force that gives a mass an acceleration. | Newton's second law
- mass m mass_kg : num 1 500 1 ; Mass in kg.
- acceleration a accel : num 1 20 1 ; Acceleration in m/s^2.
I find the force that accelerates {mass} kg at {acceleration} m/s^2
Q what force accelerates {mass} kg by {acceleration} m/s^2
L the force on a mass of {mass} kg with an acceleration of {acceleration} m/s^2

free_fall_time fall_time time_to_fall drop_duration
= compute falling times
: Time that an object takes to fall from a height, without air resistance. | Time of free fall
-* height h drop_height : num 2 400 1 ; Height in metres.
-? gravity g gravitational_acceleration : num 1 25 2 := 9.81 ; Gravitational acceleration in m/s^2. ; with a gravity of {} | Use {} for gravity
I (compute|find) how long something falls from {height} metres
Q how long does a stone fall from {height} metres
L the time of a fall from {height} metres

speed_from_distance average_speed compute_speed mean_velocity
= compute speeds
: Average speed over a distance. | Speed from distance and time
- distance distance_km d length : num 2 900 1 ; Distance in km.
- time hours duration t : num 1 12 1 ; Time in hours.
I (compute|work out) the average speed for {distance} km in {time} hours
Q how fast is {distance} km in {time} hours
L the speed of a train that goes {distance} km in {time} hours
S I drove {distance} km in {time} hours. What was my average speed?

ohms_law_voltage voltage_from_current compute_voltage voltage_drop
= compute voltages
: Voltage across a resistor, by Ohm's law. | Compute a voltage
- current amperes i : num 1 20 1 ; Current in amperes. ; with a current of {} A | with {} amperes flowing
- resistance ohms r : num 2 500 1 ; Resistance in ohms. ; with a resistance of {} ohms
I (compute|find) the voltage across a resistor
Q what's the voltage (over|across) a resistor
L the voltage at {current} A and {resistance} ohms

projectile_range throw_distance trajectory_range range_of_throw
= compute throwing ranges
: Horizontal range of a projectile launched from the ground. | How far a throw goes
- speed initial_speed velocity v0 : num 3 90 1 ; Launch speed in m/s. ; with a speed of {} m/s
- angle launch_angle degrees : int 10 80 ; Launch angle in degrees. ; with an angle of {} degrees
-? gravity g : num 1 25 2 := 9.81 ; Gravity in m/s^2. ; , with gravity {}
I (compute|find) how far a ball flies
Q how far does a ball go at {speed} m/s and {angle} degrees
L the range of a projectile

density_of compute_density mass_density material_density
= compute densities
: Density of a body from its mass and volume. | Calculate density
- mass m weight : num 1 900 1 ; Mass of the body. ; with a mass of {} | with mass {}
- volume v vol : num 1 300 1 ; Volume of the body. ; with a volume of {} | with volume {}
-? unit units : enum kg/m3,g/cm3 := "kg/m3" ; Unit of the result. ; in {}
I (compute|calculate) the density of a body
Q what's the density of an object
L the density of something
""",
    "chemistry": """
molar_mass molecular_weight compound_mass get_molar_mass
= look up molar masses
: Molar mass of a compound from its formula. | Molecular weight of a substance
-* formula compound molecule substance : compound ; Chemical formula.
-? precision decimals digits : int 1 5 := 2 ; Decimal places. ; to {} decimals | with {} decimals
I (compute|look up) the molar mass of {formula}
Q how heavy is a mole of {formula}
L the molecular weight of {formula}
F molar mass {formula}

element_info lookup_element periodic_table chemical_element
= look up elements
: Facts about a chemical element. | Look up an element in the periodic table
-* element name element_name : element ; Name of the element.
-? property attribute field : enum density=density,melting_point=melting point,atomic_number=atomic number,boiling_point=boiling point ; A single property to return. ; , just the {} | I only need the {}
I look up (the element|) {element}
Q what do we know about the element {element}
L the facts about {element}
F element {element}

dilute_solution dilution_volume compute_dilution
= compute dilutions
: Volume of a stock solution that is needed for a dilution. | Dilution of a solution
- stock_concentration c1 start_concentration : num 1 20 1 ; Concentration of the stock in mol/L. ; with a stock of {} mol/L
- final_concentration c2 target_concentration : num 1 9 1 ; Wanted concentration in mol/L. ; with a target of {} mol/L
- final_volume v2 target_volume : int 50 900 ; Wanted volume in mL. ; with a final volume of {} mL
I (compute|plan) a dilution
Q how much stock do I need for a dilution
S I have {stock_concentration} mol/L and want {final_volume} mL of {final_concentration} mol/L.

balance_equation balance_reaction chemical_balance
= balance reactions
: Balance a chemical reaction. | Find the coefficients of a reaction
- reactants left_side inputs : list compound 2 2 ; Formulas on the left side.
- products right_side outputs : list compound 1 2 ; Formulas on the right side.
I balance the reaction of {reactants} to {products}
Q what are the coefficients if {reactants} become {products}
L the balanced reaction of {reactants} to {products}
""",
    "earth": """
find_earthquakes recent_earthquakes quakes_near seismic_events
= find earthquakes
: Finds earthquakes around a point on the map. | Earthquakes near given coordinates
- center location point : object ; The point on the map.
-- latitude : num 1 80 2 ; Latitude in degrees.
-- longitude : num 1 170 2 ; Longitude in degrees.
-? radius_km radius within_km : int 61 900 ; Radius in km. ; within {} km
-? min_magnitude magnitude lowest_magnitude : num 3 7 1 ; Lowest magnitude. ; of magnitude {} and more | with a magnitude of at least {}
I find earthquakes around latitude {center.latitude} and longitude {center.longitude}
Q were there earthquakes near latitude {center.latitude}, longitude {center.longitude}
L the earthquakes at {center.latitude} north and {center.longitude} east

get_elevation elevation_of_point height_above_sea altitude_at
= look up elevations
: Height of a point above the sea. | Elevation at given coordinates
- point coordinates position : object ; The point on the map.
-- latitude : num 1 80 2 ; Latitude in degrees.
-- longitude : num 1 170 2 ; Longitude in degrees.
-? unit units : enum feet=feet,meters=metres/meters ; Unit of the result. ; in {}
I look up the elevation at latitude {point.latitude} and longitude {point.longitude}
Q how high is the ground at latitude {point.latitude}, longitude {point.longitude}
L the elevation of {point.latitude} north, {point.longitude} east

river_length length_of_river how_long_is_river
= look up the lengths of rivers
: Length of a river. | How long a river is
-* river name river_name : enum Danube,Mekong,Volga,Loire,Ebro,Niger,Yukon,Elbe,Tagus ; Name of the river.
-? unit units : enum km=kilometres/km,miles=miles := "km" ; Unit of the length. ; in {}
I look up the length of the {river}
Q how long is the {river}
L the length of the {river}
F {river} length
""",
    "history": """
historical_event_date when_did_it_happen event_year date_of_event
= date historical events
: Date of a historical event. | Find out when something happened
-* event name event_name : event_known ; Name of the event.
-? calendar calendar_system : enum gregorian=Gregorian,julian=Julian := "gregorian" ; Calendar of the answer. ; in the {} calendar
I look up the date of {event}
Q when was {event}
L the date of {event}
F {event} year

get_biography person_biography biography_of who_was
= tell biographies
: Short biography of a historical person. | Facts about the life of a person
-* person name figure : person_known ; Full name of the person.
-? sentences length max_sentences : int 2 10 ; Length in sentences. ; in {} sentences
-? focus aspect topic : enum childhood,work,family,death ; Part of the life to tell. ; , mainly the {} | with a focus on {}
I tell me about (the life of|) {person}
Q who was {person}
L a biography of {person}
F {person} bio

country_capital capital_of get_capital
= name capitals
: Capital of a country. | Name the capital city of a country
-* country nation country_name : country ; Name of the country.
-? year in_year as_of : int 1800 2020 ; Year, for capitals that moved. ; in {} | as of {}
I name the capital of {country}
Q what's the capital of {country}
L the capital of {country}
F capital {country}

country_population population_of population_count inhabitants
= look up populations
: Population of a country. | Number of inhabitants
-* country nation place : country ; Name of the country.
-? year in_year : int 1950 2024 ; Year of the figure. ; in {}
I look up how many people live in {country}
Q how many people live in {country}
L the population of {country}
F population of {country}

compare_countries country_comparison contrast_countries
= compare countries
: Compare two or more countries by an indicator. | Comparison of countries
- countries nations names : list country 2 3 ; The countries.
- indicator measure statistic : enum gdp=GDP,area=area,life_expectancy=life expectancy,birth_rate=birth rate ; What to compare.
I compare {countries} by {indicator}
Q which of {countries} has the highest {indicator}
L a comparison of {countries} by {indicator}
""",
    "body": """
body_mass_index bmi_of compute_body_index weight_index
= compute the body mass index
: Calculate the body mass index of a person. | BMI from weight and height
- weight weight_kg kilos : num 45 120 1 ; Weight in kilograms. ; with a weight of {} kg
- height height_cm size : int 140 205 ; Height in centimetres. ; with a height of {} cm
-? age years : int 18 80 ; Age in years. ; , age {} | The age is {}
I (compute|calculate|work out) (the BMI|the body mass index) (of|for) a person
Q what's the BMI at {weight} kg and {height} cm
S I weigh {weight} kg and I'm {height} cm tall. BMI?
L the BMI of someone

daily_calories calorie_needs energy_requirement basal_calories
= compute calorie needs
: Estimate how many calories a person needs a day. | Daily energy requirement
- age years age_years : int 18 80 ; Age in years.
- sex gender : enum male=man,female=woman ; Sex of the person.
- weight weight_kg : num 45 120 1 ; Weight in kg. ; weighing {} kg | of {} kg
-? activity activity_level exercise_level : enum low=little exercise,medium=moderate exercise,high=much exercise ; How active the person is. ; with {}
I estimate the calories that a {age}-year-old {sex} needs
Q how many calories does a {age}-year-old {sex} need
L the daily calories for a {age}-year-old {sex}

target_heart_rate training_pulse heart_rate_zone
= compute training heart rates
: Heart rate to train at. | Pulse range for exercise
-* age years : int 18 80 ; Age in years.
- intensity effort zone : enum light=light/easy,moderate=moderate,intense=intense/hard ; How hard the training is.
-? resting_rate resting_pulse : int 61 90 ; Pulse at rest. ; with a resting pulse of {}
I compute the heart rate for {intensity} training at age {age}
Q what should my pulse be in {intensity} training at {age}
L the target pulse for {intensity} exercise at the age of {age}
""",
    "dates": """
days_between date_difference count_days days_apart
= count days
: Number of days between two dates. | Difference of dates
- start start_date from_date first : date ; First date.
- end end_date to_date second : date ; Second date.
-? business_days workdays_only weekdays_only : bool := false ; Count only working days. ; t: , counting working days only
I count the days (between|from) {start} and {end}
Q how many days are between {start} and {end}
L the number of days from {start} to {end}

add_days_to_date date_plus_days shift_date date_after
= shift dates
: Date that lies some days after another. | Add days to a date
- date start_date base_date : date ; The date.
- days number_of_days offset : int 2 400 ; Number of days.
I add {days} days to {date}
Q what date is {days} days after {date}
L the date {days} days after {date}

day_of_week weekday_of which_weekday
= name weekdays
: Day of the week of a date. | On which weekday a date falls
-* date day given_date : date ; The date.
-? language in_language : language ; Language of the answer. ; in {}
I tell me the weekday of {date}
Q what day of the week is {date}
L the weekday of {date}

convert_time_zone time_zone_conversion translate_time
= convert time zones
: Convert a time from one city's time zone to another's. | Time in another time zone
- time clock_time at : time ; The time.
- from_city source from_zone : city ; City of the given time.
-* to_city target to_zone : city ; City whose time is wanted.
I convert {time} in {from_city} to {to_city} time
Q what time is it in {to_city} when it's {time} in {from_city}
L {time} {from_city} time in {to_city}
""",
}
