"""Programs on numbers, dates, records and classes for training. The form is described in ``_debug_programs.py``."""

PROGRAMS = r'''
> return the average speed in km/h
def average_speed(km, minutes):
    hours = minutes / 60
    return km / hours
? average_speed(30, 30) == 60
? average_speed(45, 90) == 30
~ average_speed: km_per_hour trip_speed pace_of | km: distance way

> turn degrees Fahrenheit into Celsius
def f_to_celsius(f):
    return (f - 32) * 5 / 9
? f_to_celsius(212) == 100
? f_to_celsius(50) == 10
~ f_to_celsius: in_celsius to_metric oven_in_c | f: fahrenheit deg

> take percent off the price
def with_discount(price, percent):
    return price * (100 - percent) / 100
? with_discount(200, 25) == 150
? with_discount(80, 0) == 80
~ with_discount: reduced_price after_sale deal | price: cost amount | percent: off rate

> add the tax in percent to the net price
def gross_price(net, rate):
    tax = net * rate / 100
    return net + tax
? gross_price(100, 19) == 119
? gross_price(50, 0) == 50
~ gross_price: plus_tax price_with_vat taxed | net: base price | rate: vat percent

> split the bill equally, with the tip in percent
def per_head(bill, people, tip):
    total = bill + bill * tip / 100
    return total / people
? per_head(90, 3, 10) == 33
? per_head(50, 2, 0) == 25
~ per_head: each_pays bill_share split_cost | bill: cost sum_due | people: guests heads

> return the length of fence around the garden
def fence_length(width, depth):
    return 2 * width + 2 * depth
? fence_length(3, 5) == 16
? fence_length(2, 2) == 8
~ fence_length: around_garden border edge_length | width: w long_side | depth: d short_side

> return the volume of a round tank
def tank_volume(radius, height):
    return 3.14 * radius ** 2 * height
? tank_volume(2, 5) == 3.14 * 4 * 5
? tank_volume(1, 1) == 3.14
~ tank_volume: cylinder barrel_size silo_volume | radius: r half_width

> return how many days the month has in a normal year
def month_days(month):
    if month == 2:
        return 28
    if month in (4, 6, 9, 11):
        return 30
    return 31
? month_days(2) == 28
? month_days(6) == 30
? month_days(12) == 31
~ month_days: days_in length_of_month last_day

> return the day of the week n days later, with Monday as 0
def weekday_after(today, n):
    return (today + n) % 7
? weekday_after(5, 3) == 1
? weekday_after(0, 7) == 0
~ weekday_after: day_later which_day shift_day | today: day start | n: days ahead

> return the number of days between two days of the year
def days_apart(first, second):
    return abs(first - second)
? days_apart(10, 3) == 7
? days_apart(3, 10) == 7
~ days_apart: day_gap wait_days between_days | first: start arrival | second: end departure

> add the minutes to a clock time and stay within the day
def add_to_clock(hour, minute, extra):
    total = hour * 60 + minute + extra
    return total // 60 % 24, total % 60
? add_to_clock(9, 50, 20) == (10, 10)
? add_to_clock(23, 30, 60) == (0, 30)
~ add_to_clock: arrival_time clock_after later_time | extra: plus delay

> return the age in full years on the given day
def full_years(birth, today):
    years = today[0] - birth[0]
    if today[1:] < birth[1:]:
        years -= 1
    return years
? full_years((2000, 5, 20), (2024, 5, 19)) == 23
? full_years((2000, 5, 20), (2024, 5, 20)) == 24
~ full_years: age_on years_old birthday_age | birth: born birthday | today: now day

> return the date one week later
from datetime import timedelta
def week_later(day):
    return day + timedelta(days=7)
? import datetime as dt; week_later(dt.date(2024, 1, 30)) == dt.date(2024, 2, 6)
? import datetime as dt; week_later(dt.date(2024, 5, 1)) == dt.date(2024, 5, 8)
~ week_later: next_week due_back return_day | day: date start

> return the days until the event
from datetime import date
def days_until(event, today):
    return (event - today).days
? import datetime as dt; days_until(dt.date(2024, 3, 1), dt.date(2024, 2, 28)) == 2
? import datetime as dt; days_until(dt.date(2024, 3, 1), dt.date(2024, 3, 1)) == 0
~ days_until: nights_left wait_for countdown_days | event: party trip

> return the factorial of n by recursion
def fact(n):
    if n == 0:
        return 1
    return n * fact(n - 1)
? fact(4) == 24
? fact(0) == 1
? fact(1) == 1
~ fact: orders_of arrangements bang

> return base to the power of n by recursion
def raise_to(base, n):
    if n == 0:
        return 1
    return base * raise_to(base, n - 1)
? raise_to(2, 5) == 32
? raise_to(7, 0) == 1
? raise_to(3, 1) == 3
~ raise_to: to_the exponent grow_by | base: x number

> count the digits of a positive number by recursion
def digit_count(n):
    if n < 10:
        return 1
    return 1 + digit_count(n // 10)
? digit_count(7) == 1
? digit_count(10) == 2
? digit_count(4096) == 4
~ digit_count: how_many_digits width_of_number places_needed

> add up the elements of a nested list
def nested_sum(items):
    total = 0
    for item in items:
        if isinstance(item, list):
            total += nested_sum(item)
        else:
            total += item
    return total
? nested_sum([1, [2, [3]], 4]) == 10
? nested_sum([]) == 0
~ nested_sum: deep_sum tree_total sum_all_levels | items: tree parts

> count the files in a nested dictionary of folders
def count_files(folder):
    count = 0
    for entry in folder.values():
        if isinstance(entry, dict):
            count += count_files(entry)
        else:
            count += 1
    return count
? count_files({"a": 1, "b": {"c": 2, "d": 3}}) == 3
? count_files({}) == 0
~ count_files: files_below tree_size how_many_files | folder: tree node | entry: child part

> reverse the text by recursion
def reverse_text(text):
    if text == "":
        return ""
    return reverse_text(text[1:]) + text[0]
? reverse_text("abc") == "cba"
? reverse_text("") == ""
~ reverse_text: turn_text last_to_first mirror_text | text: word line

> return the least common multiple
def meet_again(a, b):
    n = a
    while n % b != 0:
        n += a
    return n
? meet_again(4, 6) == 12
? meet_again(3, 9) == 9
~ meet_again: common_multiple both_ring sync_day

> add the digits of the number
def cross_sum(n):
    total = 0
    while n > 0:
        total += n % 10
        n //= 10
    return total
? cross_sum(352) == 10
? cross_sum(7) == 7
? cross_sum(0) == 0
~ cross_sum: digits_total checksum_of add_digits

> count how often n can be halved until it is odd
def even_steps(n):
    steps = 0
    while n % 2 == 0:
        n //= 2
        steps += 1
    return steps
? even_steps(8) == 3
? even_steps(6) == 1
? even_steps(5) == 0
~ even_steps: halving_steps twos_in fold_count

> return how many years it takes until the savings reach the goal
def years_to_goal(savings, yearly, goal):
    years = 0
    while savings < goal:
        savings += yearly
        years += 1
    return years
? years_to_goal(0, 100, 300) == 3
? years_to_goal(50, 100, 300) == 3
? years_to_goal(300, 100, 300) == 0
~ years_to_goal: saving_years until_rich wait_years | savings: money start | yearly: step gain

> return the savings after some years with interest in percent
def with_interest(amount, percent, years):
    for _ in range(years):
        amount += amount * percent / 100
    return amount
? with_interest(100, 10, 2) == 121
? with_interest(50, 10, 0) == 50
~ with_interest: compound savings_after grown_to | amount: money start | percent: rate gain

> say fizz for multiples of 3, buzz for multiples of 5, both for both
def fizz_word(n):
    if n % 15 == 0:
        return "fizzbuzz"
    if n % 3 == 0:
        return "fizz"
    if n % 5 == 0:
        return "buzz"
    return str(n)
? fizz_word(15) == "fizzbuzz"
? fizz_word(9) == "fizz"
? fizz_word(10) == "buzz"
? fizz_word(7) == "7"
~ fizz_word: party_word game_word count_word_for

> return the grade for the points
def grade_for(points):
    if points >= 90:
        return "A"
    if points >= 75:
        return "B"
    if points >= 50:
        return "C"
    return "F"
? grade_for(90) == "A"
? grade_for(75) == "B"
? grade_for(50) == "C"
? grade_for(49) == "F"
~ grade_for: exam_grade letter_for mark_of | points: score result

> return the entry fee by age
def entry_fee(age):
    if age < 6:
        return 0
    if age < 18:
        return 4
    return 9
? entry_fee(5) == 0
? entry_fee(6) == 4
? entry_fee(18) == 9
~ entry_fee: zoo_price pool_fee museum_cost | age: years visitor_age

> return the cost of the parcel by weight
def parcel_cost(kg):
    if kg <= 2:
        return 5
    elif kg <= 10:
        return 9
    else:
        return 15
? parcel_cost(2) == 5
? parcel_cost(10) == 9
? parcel_cost(11) == 15
~ parcel_cost: postage send_price freight | kg: weight mass

> keep the value within the limits
def keep_within(value, low, high):
    if value < low:
        return low
    if value > high:
        return high
    return value
? keep_within(5, 1, 10) == 5
? keep_within(-3, 1, 10) == 1
? keep_within(12, 1, 10) == 10
~ keep_within: limit_to bounded fit_range | value: x level

> return the sign of a number as -1, 0 or 1
def sign_of(x):
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0
? sign_of(9) == 1
? sign_of(-4) == -1
? sign_of(0) == 0
~ sign_of: direction trend_of way_of

> return the largest of three numbers
def largest_of(a, b, c):
    best = a
    if b > best:
        best = b
    if c > best:
        best = c
    return best
? largest_of(1, 5, 3) == 5
? largest_of(2, 1, 9) == 9
? largest_of(7, 1, 2) == 7
~ largest_of: max_three biggest_of tallest_of_three

> say whether three sides make a triangle
def makes_triangle(a, b, c):
    return a + b > c and a + c > b and b + c > a
? makes_triangle(3, 4, 5) is True
? makes_triangle(1, 2, 3) is False
? makes_triangle(5, 1, 1) is False
? makes_triangle(1, 5, 1) is False
~ makes_triangle: is_triangle sides_fit can_close

> return the change in coins of 50, 20 and 10
def change_coins(amount):
    coins = []
    for coin in (50, 20, 10):
        while amount >= coin:
            coins.append(coin)
            amount -= coin
    return coins
? change_coins(80) == [50, 20, 10]
? change_coins(40) == [20, 20]
? change_coins(0) == []
~ change_coins: give_back coin_list pay_out | amount: money rest

> return hours, minutes and seconds
def split_seconds(seconds):
    hours = seconds // 3600
    minutes = seconds % 3600 // 60
    return hours, minutes, seconds % 60
? split_seconds(3725) == (1, 2, 5)
? split_seconds(59) == (0, 0, 59)
~ split_seconds: hms time_parts clock_parts | seconds: secs total

> round the number up to the next multiple of step
def round_up_to(n, step):
    rest = n % step
    if rest == 0:
        return n
    return n + step - rest
? round_up_to(13, 5) == 15
? round_up_to(10, 5) == 10
~ round_up_to: next_multiple fill_up ceil_to | step: size unit

> return how many boxes are needed for the items
def boxes_needed(items, per_box):
    boxes = items // per_box
    if items % per_box > 0:
        boxes += 1
    return boxes
? boxes_needed(10, 4) == 3
? boxes_needed(8, 4) == 2
? boxes_needed(0, 4) == 0
~ boxes_needed: crates_for bus_count pages_for | items: eggs people

> return the mean of the values, None if there are none
def mean_or_none(values):
    if not values:
        return None
    return sum(values) / len(values)
? mean_or_none([1, 2]) == 1.5
? mean_or_none([]) is None
~ mean_or_none: safe_mean usual_value avg_of | values: marks data
! if not values:\n        return None\n    => :: An empty list makes `len(values)` zero and the division fails. :: an empty list crashes it

> divide the first by the second, None if that is impossible
def safe_divide(a, b):
    if b == 0:
        return None
    return a / b
? safe_divide(6, 4) == 1.5
? safe_divide(6, 0) is None
~ safe_divide: try_divide ratio_or_none part_of

> return the share in percent
def percent_of(part, whole):
    return 100 * part / whole
? percent_of(1, 4) == 25
? percent_of(3, 3) == 100
~ percent_of: share_in_percent quota rate_of | part: done yes | whole: all_of total

> say whether the reading differs from the target by at most tol
def close_enough(reading, target, tol):
    return abs(reading - target) <= tol
? close_enough(9, 10, 1) is True
? close_enough(12, 10, 1) is False
? close_enough(8, 10, 1) is False
~ close_enough: within_tol on_target roughly | reading: value measured | tol: slack margin

> return the distance of two points
def point_distance(p, q):
    dx = p[0] - q[0]
    dy = p[1] - q[1]
    return (dx ** 2 + dy ** 2) ** 0.5
? point_distance((0, 0), (3, 4)) == 5
? point_distance((1, 1), (1, 1)) == 0
~ point_distance: crow_flies length_between way_to

> move the robot by one step in the direction
def move_robot(x, y, direction):
    if direction == "up":
        y += 1
    elif direction == "down":
        y -= 1
    elif direction == "right":
        x += 1
    else:
        x -= 1
    return x, y
? move_robot(0, 0, "up") == (0, 1)
? move_robot(0, 0, "down") == (0, -1)
? move_robot(2, 2, "right") == (3, 2)
? move_robot(2, 2, "left") == (1, 2)
~ move_robot: step_to walk next_field | direction: way heading

> read a binary number
def from_binary(digits):
    value = 0
    for d in digits:
        value = value * 2 + int(d)
    return value
? from_binary("110") == 6
? from_binary("1") == 1
? from_binary("0") == 0
~ from_binary: read_bits bits_to_int binary_value | digits: bits text

> estimate the tax: nothing up to 1000, 20 percent of the rest
def tax_due(income):
    if income <= 1000:
        return 0
    return (income - 1000) * 20 / 100
? tax_due(1000) == 0
? tax_due(2000) == 200
? tax_due(500) == 0
~ tax_due: duty yearly_tax owed_tax | income: pay salary

> return the pay: hours above 40 count half as much again
def weekly_pay(hours, wage):
    extra = max(0, hours - 40)
    return hours * wage + extra * wage / 2
? weekly_pay(40, 10) == 400
? weekly_pay(42, 10) == 430
? weekly_pay(10, 10) == 100
~ weekly_pay: pay_with_overtime earnings wage_for | hours: worked time | wage: hourly rate

> take the amount from the balance unless it is too much
def withdraw_from(balance, amount):
    if amount > balance:
        return balance
    return balance - amount
? withdraw_from(100, 30) == 70
? withdraw_from(100, 100) == 0
? withdraw_from(20, 30) == 20
~ withdraw_from: pay_from spend take_money | balance: money account | amount: cost sum_out

> return the numbers from high down to low
def count_down(high, low):
    numbers = []
    n = high
    while n >= low:
        numbers.append(n)
        n -= 1
    return numbers
? count_down(3, 1) == [3, 2, 1]
? count_down(2, 2) == [2]
~ count_down: going_down rocket descend | high: start top | low: stop bottom

> return the multiplication row of n up to ten
def times_row(n):
    return [n * i for i in range(1, 11)]
? times_row(2) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
? len(times_row(7)) == 10
~ times_row: table_of ten_multiples row_of

> return all even numbers up to and including n
def even_up_to(n):
    return list(range(0, n + 1, 2))
? even_up_to(6) == [0, 2, 4, 6]
? even_up_to(5) == [0, 2, 4]
~ even_up_to: even_numbers pair_numbers even_list

> find the proper divisors of n
def proper_divisors(n):
    result = []
    for d in range(1, n):
        if n % d == 0:
            result.append(d)
    return result
? proper_divisors(6) == [1, 2, 3]
? proper_divisors(7) == [1]
~ proper_divisors: parts_of smaller_divisors splits

> say how many steps the 3n+1 game takes to reach 1
def game_steps(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps
? game_steps(6) == 8
? game_steps(1) == 0
~ game_steps: hailstone rounds_to_one path_to_one

> keep a bank account with deposits
class BankAccount:
    def __init__(self, owner):
        self.owner = owner
        self.balance = 0
    def deposit(self, amount):
        self.balance += amount
? a = BankAccount("Ida"); a.deposit(5); a.deposit(2); a.balance == 7
? BankAccount("Bo").owner == "Bo"
~ BankAccount: PiggyBank SavingsBook Wallet

> keep the items of each cart apart
class Cart:
    def __init__(self):
        self.items = []
    def add(self, item):
        self.items.append(item)
        return self.items
? a = Cart(); a.add("x"); b = Cart(); b.add("y") == ["y"]
? Cart().add("z") == ["z"]
~ Cart: Basket Trolley OrderList
! def __init__(self):\n        self.items = [] => items = [] :: `items` belongs to the class, so all objects share one list. :: two carts share the same items

> count the clicks
class Clicker:
    def __init__(self):
        self.count = 0
    def click(self):
        self.count += 1
        return self.count
? c = Clicker(); c.click(); c.click() == 2
? Clicker().click() == 1
~ Clicker: Turnstile DoorCounter LapCounter

> describe a rectangle and its area
class Rect:
    def __init__(self, width, height):
        self.width = width
        self.height = height
    def area(self):
        return self.width * self.height
? Rect(2, 5).area() == 10
? Rect(3, 1).width == 3
~ Rect: Room Field Carpet

> keep the temperature of an oven below its limit
class Oven:
    def __init__(self, limit):
        self.limit = limit
        self.temp = 20
    def heat(self, degrees):
        self.temp = min(self.limit, self.temp + degrees)
        return self.temp
? Oven(200).heat(100) == 120
? Oven(200).heat(500) == 200
~ Oven: Heater Kettle Boiler

> keep a list of marks and return the mean
class Marks:
    def __init__(self):
        self.values = []
    def add(self, mark):
        self.values.append(mark)
    def mean(self):
        return sum(self.values) / len(self.values)
? m = Marks(); m.add(1); m.add(2); m.mean() == 1.5
? m = Marks(); m.add(3); m.mean() == 3
~ Marks: Ratings Scorebook Reviews

> let the last one in be the first one out
class Pile:
    def __init__(self):
        self.data = []
    def put(self, x):
        self.data.append(x)
    def take(self):
        return self.data.pop()
? p = Pile(); p.put(1); p.put(2); p.take() == 2
? p = Pile(); p.put(3); p.take() == 3
~ Pile: PlateStack Tower BookPile
! self.data.pop() => self.data.pop(0) :: `pop(0)` takes the oldest element; `pop()` takes the newest. :: it returns the oldest one instead of the newest

> switch the light on and off
class Light:
    def __init__(self):
        self.on = False
    def toggle(self):
        self.on = not self.on
        return self.on
? Light().toggle() is True
? b = Light(); b.toggle(); b.toggle() is False
~ Light: Fan Radio Pump

> name a pet with its kind
class Animal:
    def __init__(self, name):
        self.name = name
class Parrot(Animal):
    def __init__(self, name, words):
        super().__init__(name)
        self.words = words
? Parrot("Coco", 3).name == "Coco"
? Parrot("Rio", 5).words == 5
~ Animal: Pet Creature Being

> write the point as text
class Spot:
    def __init__(self, x, y):
        self.x = x
        self.y = y
    def __str__(self):
        return f"({self.x}, {self.y})"
? str(Spot(1, 2)) == "(1, 2)"
? Spot(4, 0).x == 4
~ Spot: Pin Marker Corner
! return f"({self.x}, {self.y})" => print(f"({self.x}, {self.y})") :: `__str__` has to return the text, not print it. :: str() says that __str__ returned None

> add a pair of shoes at each call and return their number
def make_counter():
    n = 0
    def tick():
        nonlocal n
        n += 2
        return n
    return tick
? c = make_counter(); c(); c() == 4
? make_counter()() == 2
~ make_counter: new_counter call_counter ticker

> make a function that adds k
def make_adder(k):
    def add(x):
        return x + k
    return add
? make_adder(3)(4) == 7
? make_adder(0)(1) == 1
~ make_adder: plus_maker adder raise_by
! return add => return add(k) :: It has to return the inner function itself, not call it. :: the result is a number, so it cannot be called

> make one function for each factor
def make_scalers(factors):
    return [lambda x, f=f: x * f for f in factors]
? [g(2) for g in make_scalers([1, 2, 3])] == [2, 4, 6]
? make_scalers([5])[0](1) == 5
~ make_scalers: scalers multipliers zoom_functions
! lambda x, f=f: => lambda x: :: Each lambda looks up `f` when it is called, so all use the last factor. :: all functions use the last factor

> keep results that were computed before
def cached_square(n, cache):
    if n not in cache:
        cache[n] = n * n
    return cache[n]
? cached_square(4, {}) == 16
? cached_square(3, {3: 99}) == 99
~ cached_square: memo_square stored_square quick_square | cache: memo known

> return the record with the given id, or None
def find_user(users, user_id):
    for user in users:
        if user["id"] == user_id:
            return user
    return None
? find_user([{"id": 1}, {"id": 2}], 2) == {"id": 2}
? find_user([{"id": 1}], 1) == {"id": 1}
? find_user([], 1) is None
~ find_user: get_member by_id user_with | users: members rows | user_id: wanted key

> return the names of the active members
def active_names(members):
    return [m["name"] for m in members if m["active"]]
? active_names([{"name": "Al", "active": True}, {"name": "Bo", "active": False}]) == ["Al"]
? active_names([]) == []
~ active_names: who_is_in current_members online | members: users people

> return the cheapest offer
def best_offer(offers):
    return min(offers, key=lambda o: o["price"])
? best_offer([{"price": 9}, {"price": 4}]) == {"price": 4}
? best_offer([{"price": 1}, {"price": 4}]) == {"price": 1}
~ best_offer: cheapest_deal low_offer pick_deal | offers: deals flights

> sort the people by age, oldest first
def oldest_first(people):
    return sorted(people, key=lambda p: p["age"], reverse=True)
? oldest_first([{"age": 3}, {"age": 8}]) == [{"age": 8}, {"age": 3}]
? oldest_first([]) == []
~ oldest_first: by_age_down seniors_first age_order | people: members team

> add up the points of each team
def team_points(games):
    points = {}
    for team, score in games:
        points[team] = points.get(team, 0) + score
    return points
? team_points([("red", 2), ("blue", 1), ("red", 3)]) == {"red": 5, "blue": 1}
? team_points([]) == {}
~ team_points: league_table total_points sum_by_team | games: results rounds

> raise all prices by percent and leave the old dictionary alone
def raise_prices(prices, percent):
    new = prices.copy()
    for name in new:
        new[name] = new[name] + new[name] * percent / 100
    return new
? raise_prices({"tea": 100}, 10) == {"tea": 110}
? p = {"tea": 100}; raise_prices(p, 10); p == {"tea": 100}
~ raise_prices: dearer new_menu price_rise | prices: menu costs

> read the amount, and return 0 if it is not a number
def amount_or_zero(text):
    try:
        return int(text)
    except ValueError:
        return 0
? amount_or_zero("12") == 12
? amount_or_zero("x") == 0
~ amount_or_zero: read_amount int_or_zero safe_int | text: entry field
! except ValueError => except KeyError :: `int` raises a ValueError, which the except clause does not catch. ::

> add the two numbers that come as text
def add_entries(a: str, b: str) -> int:
    return int(a) + int(b)
? add_entries("2", "3") == 5
? add_entries("10", "0") == 10
~ add_entries: sum_fields plus_form text_sum

> return the number with thousands separated by commas
def with_commas(n: int) -> str:
    text = str(n)
    parts = []
    while len(text) > 3:
        parts.insert(0, text[-3:])
        text = text[:-3]
    parts.insert(0, text)
    return ",".join(parts)
? with_commas(1234567) == "1,234,567"
? with_commas(999) == "999"
? with_commas(1000) == "1,000"
~ with_commas: big_number grouped thousands

> return the water bill: a base fee and a price per cubic metre
def water_bill(used: int, fee: int = 20, price: int = 3) -> int:
    return fee + used * price
? water_bill(10) == 50
? water_bill(0) == 20
? water_bill(5, 10, 2) == 20
~ water_bill: usage_cost meter_bill supply_cost | used: cubic amount

> say whether the two bookings overlap
def bookings_clash(a: tuple, b: tuple) -> bool:
    return a[0] < b[1] and b[0] < a[1]
? bookings_clash((1, 4), (3, 6)) is True
? bookings_clash((1, 3), (3, 5)) is False
? bookings_clash((3, 5), (1, 3)) is False
? bookings_clash((1, 9), (2, 3)) is True
~ bookings_clash: overlaps times_clash double_booked | a: first one | b: second other

> yield the numbers of the halving sequence down to 1
def halving(n):
    while n >= 1:
        yield n
        n = n // 2
? list(halving(8)) == [8, 4, 2, 1]
? list(halving(1)) == [1]
~ halving: half_steps shrink cut_down

> yield the even numbers of the list
def only_even(nums):
    for n in nums:
        if n % 2 == 0:
            yield n
? list(only_even([1, 2, 4])) == [2, 4]
? list(only_even([3])) == []
~ only_even: even_ones pick_even keep_even | nums: numbers data
'''
