# ruff: noqa: E501 - a line of the notation is one argument or one request
"""The tools that only held-out drafts use, in the notation of ``_action_grammar``: other fields, names and requests."""

from __future__ import annotations

HELD_OUT = {
    "museums": """
museum_ticket_purchase purchase_admission buy_museum_entry
= sell museum tickets
: Buys admission tickets for a museum. | Get tickets for an exhibition house
- museum institution museum_name : museum ; Museum to visit
- visit_date day entry_date : date ; Day of the visit
- adults grown_ups adult_tickets : int 1 6 ; Tickets for adults
-? children kids child_tickets : int 1 5 ; Tickets for children ; plus {} for children | We bring {} kids
I purchase {adults} adult tickets to {museum}, visiting on {visit_date}
Q might we visit {museum} on {visit_date} with {adults} adults
S We are {adults} adults and plan to see {museum} on {visit_date}.

artwork_lookup describe_artwork find_painting
= describe artworks
: Looks up an artwork by the name of its maker. | Information about works of art
-* artist painter maker : person_known ; Who made it
-? style movement art_style : enum cubism,baroque,realism,surrealism ; Artistic movement ; in the style of {}
I pull up works made by {artist}
Q which works did {artist} leave us
L works of art by {artist}

guided_tour_reservation reserve_tour tour_signup
= reserve guided tours
: Reserves a guided tour. | Sign a group up for a tour of a museum
- museum venue : museum ; Where the tour is
- group_size participants visitors : int 2 25 ; Size of the group
- tour_language spoken_language : language ; Language of the guide
I sign a group of {group_size} up for a {tour_language} tour of {museum}
Q may {group_size} of us join a {tour_language} tour through {museum}
S Our group has {group_size} people. We'd like a {tour_language} tour of {museum}.
""",
    "astronomy": """
planet_position locate_planet planet_in_sky
= locate planets
: Position of a planet in the sky as seen from a city. | Where a planet stands tonight
-* planet body planet_name : planet ; Name of the planet
- observer_city seen_from viewpoint : city ; City of the observer
-? night observation_date : date ; Night of observation ; in the night of {}
I point me to {planet} as seen from {observer_city}
Q where in the sky over {observer_city} is {planet}
L the position of {planet} above {observer_city}

moon_phase_on lunar_phase phase_of_moon
= tell the phase of the moon
: Phase of the moon on a date. | Lunar phase
-* calendar_date night date_of_interest : date ; The date
-? southern southern_hemisphere : bool ; As seen from the southern half of the earth ; t: as it looks from the south
I give the phase of the moon on {calendar_date}
Q is the moon full on {calendar_date}
L the moon phase for {calendar_date}

star_distance light_years_to distance_to_star
= give distances of stars
: Distance of a star from the earth. | How far away a star is
-* star_name star : star ; Name of the star
-? measured_in distance_unit : enum light_years=light years,parsecs,au=astronomical units ; Unit of distance ; expressed in {}
I state how remote the star {star_name} is
Q how many light years away is {star_name}
L the remoteness of {star_name}

telescope_booking observe_slot reserve_telescope
= reserve telescopes
: Reserves observing time at a telescope. | Book an instrument at the observatory
- target_star object_to_observe : star ; What to observe
- observing_night on_night : date ; Night
- slot_minutes exposure_minutes : int 10 180 ; Minutes of observing time
I reserve {slot_minutes} telescope minutes for {target_star}, night of {observing_night}
Q may I observe {target_star} during the night of {observing_night} for {slot_minutes} minutes
S I'd observe {target_star} for {slot_minutes} minutes in the night of {observing_night}.
""",
    "farming": """
crop_yield_estimate estimate_harvest expected_yield
= estimate harvests
: Estimates the harvest of a field. | Expected yield of a crop
- crop_type crop sown_crop : crop ; What is grown
- hectares field_size area_ha : num 2 120 1 ; Size of the field in hectares
-? irrigated has_irrigation : bool := false ; Whether the field is irrigated ; t: , which is irrigated
I estimate what {hectares} hectares of {crop_type} will bring in
Q which harvest can we expect from {hectares} hectares of {crop_type}
L the expected yield of {hectares} hectares of {crop_type}

soil_test_request order_soil_analysis test_soil
= order soil tests
: Orders a laboratory test of soil. | Have the soil of a field analysed
- field_code plot plot_id : id F-## ; Code of the field
- nutrients substances : list enum nitrogen,phosphorus,potassium,sulphur 1 3 ; What to measure
I have {field_code} tested for {nutrients}
Q may we get {field_code} analysed for {nutrients}
S Soil of {field_code} should be tested for {nutrients}.

feed_livestock dispense_feed schedule_feed
= feed livestock
: Dispenses feed to animals on the farm. | Feeds a group of animals
-* animals herd livestock : enum cows,sheep,goats,pigs,hens ; Which animals
- kilograms feed_kg : int 5 300 ; Feed in kilograms
I dispense {kilograms} kilograms of feed to the {animals}
Q would the {animals} get {kilograms} kilograms of feed
S The {animals} are hungry, {kilograms} kilograms of feed for them.

tractor_maintenance_log record_machine_service machine_upkeep
= record machine upkeep
: Records upkeep of a farm machine. | Upkeep log of machines
- machine_id unit_code : id TR-## ; Code of the machine
- operating_hours engine_hours : int 100 9000 ; Hours on the meter
-? parts_replaced new_parts : list enum filter,belt,battery,tyre 1 2 ; Parts that were changed ; with new parts: {}
I record upkeep of {machine_id} at {operating_hours} operating hours
Q is there a way to note upkeep for {machine_id} at {operating_hours} hours
S {machine_id} got its upkeep at {operating_hours} operating hours.
""",
    "parking": """
reserve_parking_space parking_reservation hold_parking_spot
= reserve parking spaces
: Reserves a parking space near a place. | Hold a spot in a car park
- close_to near_place : landmark ; Place to park near
- arrive_at arrival_time : time ; Arrival
- stay_hours parking_hours : int 1 10 ; Hours of parking
-? covered roofed indoor : bool ; Under a roof ; t: under a roof
I hold a parking spot by {close_to}, arriving {arrive_at}, {stay_hours} hours
Q may I park by {close_to} at {arrive_at} for {stay_hours} hours
S We arrive at {arrive_at} and park by {close_to} for {stay_hours} hours.

pay_parking_fine settle_parking_ticket clear_fine
= settle parking fines
: Pays a fine for wrong parking. | Settle a parking ticket
-* fine_number penalty_notice : id PF###### ; Number of the fine
-? card_on_file stored_card : enum visa=Visa,mastercard=Mastercard,amex=Amex ; Card to charge ; charging my {}
I clear the parking fine {fine_number}
Q might you take care of parking fine {fine_number}
S I got a parking fine, number {fine_number}, take care of it.

extend_parking_session prolong_parking add_parking_time
= prolong parking
: Prolongs a running parking session. | Add minutes to the meter
- session_code parking_session : id PK-#### ; Code of the session
- extra_minutes added_minutes : int 15 180 ; Minutes to add
I prolong {session_code} by {extra_minutes} minutes
Q would {extra_minutes} extra minutes on {session_code} be possible
S Meter {session_code} runs out, give it {extra_minutes} minutes.
""",
    "taxi": """
request_ride hail_cab order_taxi
= order rides
: Orders a car with a driver. | Hail a cab
- pickup_address pick_me_up_at : address ; Where the ride starts
- drop_off ride_destination : landmark ; Where it ends
-? vehicle_class ride_class : enum standard,van=a van,luxury=a luxury car ; Class of car ; using {}
-? wheelchair accessible wheelchair_space : bool ; Room for a wheelchair ; t: with space for a wheelchair
I hail a cab at {pickup_address} bound for {drop_off}
Q might a taxi bring me from {pickup_address} over to {drop_off}
S I'm standing at {pickup_address} and must reach {drop_off}. Taxi!

fare_estimate estimate_ride_price cab_fare
= estimate taxi fares
: Estimates what a taxi ride costs. | Expected fare
- pickup_zone ride_from : street ; Street of the start
- target_zone ride_to : landmark ; End of the ride
-? riders people_in_car : int 2 6 ; Riders ; with {} riders
I estimate the taxi fare between {pickup_zone} and {target_zone}
Q roughly what does a cab between {pickup_zone} and {target_zone} cost
L the approximate taxi fare between {pickup_zone} and {target_zone}

rate_driver driver_feedback score_driver
= score drivers
: Scores a driver after a ride. | Feedback on a driver
- ride_code trip_code : id RD-##### ; Code of the ride
- points driver_score : int 1 5 ; Points from 1 to 5
-? praise remark : review ; Remark ; remarking '{}'
I award {points} points to the driver of {ride_code}
Q might {ride_code} get {points} points
S My driver on {ride_code} deserves {points} points.
""",
    "insurance": """
insurance_quote premium_estimate quote_premium
= quote insurance premiums
: Gives a quote for an insurance. | Premium of a new policy
-* coverage_type policy_kind : insurance ; Kind of insurance
- insured_value coverage_amount : money 2000 90000 ; Sum to insure
-? customer_age holder_age : int 18 80 ; Age of the customer ; for a customer aged {}
I quote a {coverage_type} insurance covering {insured_value}
Q what premium goes with a {coverage_type} policy covering {insured_value}
L a quote on {coverage_type} insurance covering {insured_value}

file_insurance_claim report_claim claim_damage
= file insurance claims
: Files a claim with the insurer. | Reports damage under a policy
- policy_number policy_no : id POL-##### ; Number of the policy
- incident_date happened_on : date ; When it happened
- claimed_sum damage_amount : money 100 9000 ; Sum that is claimed
-? police_report police_involved : bool ; Whether the police was called ; t: with a police report | f: without a police report
I file a claim of {claimed_sum} on {policy_number}, incident of {incident_date}
Q may I claim {claimed_sum} under {policy_number} after what happened on {incident_date}
S Something broke on {incident_date}. Claim {claimed_sum} on {policy_number}.
""",
    "donations": """
make_donation donate give_to_charity
= donate money
: Donates to a charity. | Give money to a good cause
-* cause charity_name : charity ; Name of the charity
- gift_amount donation : money 5 500 ; Sum to give
-? anonymous hide_name : bool ; Whether the donor stays unnamed ; t: anonymously
-? recurring repeat_every : enum monthly=every month,yearly=every year ; Repetition ; {}
I donate {gift_amount} to {cause}
Q may I give {cause} {gift_amount}
S {cause} does great work. A gift of {gift_amount} from me.

register_donor new_donor donor_registration
= register donors
: Registers a donor with contact details. | Adds a donor
- donor giver : object ; The donor
-- full_name : full ; Full name
-- phone : phone ; Telephone number
-? newsletter wants_newsletter : bool ; Whether to send the newsletter ; t: and send the newsletter | f: without the newsletter
I register {donor.full_name}, telephone {donor.phone}, as a donor
Q would you list {donor.full_name} among the donors, telephone {donor.phone}
S {donor.full_name} wants to be a donor and has the telephone number {donor.phone}.

volunteer_signup join_volunteers register_volunteer
= register volunteers
: Registers a volunteer. | Join the helpers of a charity
- helper volunteer_name : full ; Name of the volunteer
- organisation helping_org : charity ; Charity to help
- weekly_hours hours_per_week : int 1 15 ; Hours a week
I register {helper} as a helper of {organisation}, {weekly_hours} hours a week
Q might {helper} help {organisation} {weekly_hours} hours a week
S {helper} would give {organisation} {weekly_hours} hours a week.
""",
    "printing": """
submit_print_job print_document_copies enqueue_print
= print documents
: Sends a document to a printer. | Print a file
-* document_path file_to_print : path pdf docx txt ; File to print
- copies number_of_copies : int 1 30 ; Copies
-? double_sided duplex : bool ; Print on both sides ; t: double-sided | t: on both sides | f: single-sided
-? paper paper_size : enum a4=A4,a3=A3,letter ; Paper ; onto {} paper
I print {copies} copies of {document_path}
Q might I have {document_path} on paper, {copies} copies
S {copies} printed copies of {document_path} are needed.

printer_ink_levels ink_status toner_level
= read ink levels
: Reads the ink levels of a printer. | How much toner is left
-* printer_name printer : enum office=office,reception=reception,basement=basement,studio=studio ; Which printer
I read the ink level of the {printer_name} printer
Q does the {printer_name} printer have enough ink
L ink left inside the {printer_name} printer
""",
    "laundry": """
start_wash_cycle begin_washing run_washer
= start washing cycles
: Starts a cycle of the washing machine. | Wash clothes
- program wash_program : enum cotton,wool,delicate=delicates,quick=quick wash ; Programme
- water_temperature celsius : int 20 90 ; Temperature of the water
-? spin_speed rpm : int 400 1600 ; Turns a minute when spinning ; spinning at {}
I begin a {program} cycle at {water_temperature} degrees
Q would you wash this using {program} at {water_temperature} degrees
S Laundry is in: {program}, {water_temperature} degrees.

dry_cleaning_order clean_garment order_dry_cleaning
= order dry cleaning
: Orders dry cleaning of a garment. | Have clothes cleaned
-* garment clothing : garment ; What to clean
- ready_by needed_on : date ; Day when it must be ready
-? stain_kind stain : enum wine=wine,ink=ink,grease=grease,coffee=coffee ; Kind of stain ; for a {} stain
I have {garment} dry-cleaned, ready by {ready_by}
Q might {garment} be dry-cleaned before {ready_by}
S By {ready_by} I must have {garment} cleaned.
""",
    "energy": """
meter_reading_submit report_meter enter_meter_value
= submit meter readings
: Submits the reading of a meter. | Tells the supplier what the meter shows
- meter_id meter_code : id MT###### ; Code of the meter
- reading meter_value : int 1000 99999 ; What it shows
-? utility supply : enum electricity,gas,water ; What is metered ; (for {})
I submit {reading} as the reading of {meter_id}
Q would you tell the supplier that {meter_id} shows {reading}
S {meter_id} shows {reading}.

solar_output_estimate estimate_solar panel_yield
= estimate solar output
: Estimates the electricity that solar panels make. | Yield of solar panels
- panel_count panels : int 4 60 ; Number of panels
- panel_watts watts_per_panel : int 200 500 ; Watts of one panel
- site_city installed_in : city ; Where they stand
-? tilt roof_tilt : int 10 60 := 30 ; Tilt in degrees ; tilted {} degrees
I estimate the output of {panel_count} panels of {panel_watts} watts on a roof near {site_city}
Q what would {panel_count} solar panels of {panel_watts} watts produce around {site_city}
L the yield from {panel_count} panels of {panel_watts} watts around {site_city}
""",
    "marine": """
tide_table tides_at high_low_tides
= look up tides
: Times of high and low tide. | Tides at a harbour
-* harbour port tide_station : sea ; Harbour
-? tide_date on_which_day : date ; Day ; for the {}
I list high and low water at {harbour}
Q at what hour is high tide at {harbour}
L high and low tide at {harbour}

berth_reservation reserve_berth book_mooring
= reserve berths
: Reserves a berth for a boat. | Moor a boat
- marina harbour_name : sea ; Marina
- boat_length length_m : num 5 30 1 ; Length of the boat in metres
- moor_nights nights_moored : int 1 14 ; Nights
-? shore_power electricity_hookup : bool ; With electricity ; t: with shore power
I reserve a berth at {marina}, boat of {boat_length} metres, {moor_nights} nights
Q may a {boat_length} metre boat moor at {marina}, {moor_nights} nights
S Our boat is {boat_length} metres. We'd moor at {marina}, {moor_nights} nights.
""",
    "genealogy": """
find_ancestors ancestor_search trace_lineage
= trace ancestors
: Finds ancestors of a person. | Traces a family line
-* descendant of_person : full ; Whose ancestors
- generations levels_back : int 2 8 ; Generations to go back
-? paternal_line fathers_only : bool ; Only along the fathers ; t: along the fathers only
I trace the family of {descendant} back {generations} generations
Q which ancestors does {descendant} have going back {generations} generations
L {generations} generations of ancestors of {descendant}

search_birth_records birth_record_lookup parish_records
= search birth records
: Searches birth records. | Find a birth in the parish books
- surname family_name : surname ; Surname
- birth_year born_in : int 1700 1950 ; Year of birth
-? parish parish_town : city ; Parish ; from the parish of {}
I go through birth records of {birth_year} looking for the surname {surname}
Q was anybody called {surname} born during {birth_year}
L birth records of {birth_year} under the surname {surname}
""",
    "podcasts": """
play_podcast_episode listen_to_podcast start_episode
= play podcast episodes
: Plays an episode of a podcast. | Listen to a podcast
- show podcast_title : podcast ; Name of the podcast
- episode episode_number : int 2 60 ; Number of the episode
-? playback_speed speed_factor : num 1 3 2 := 1 ; Speed ; with {} times the speed
I let me hear episode {episode} of {show}
Q would you begin episode {episode} of {show}
S Time for {show}, episode {episode}.

podcast_subscribe follow_podcast subscribe_show
= follow podcasts
: Subscribes to a podcast. | Follow a show
-* podcast_name show_name : podcast ; Name of the podcast
-? auto_download download_new : bool ; Download new episodes ; t: downloading new episodes | f: without downloads
I subscribe to the podcast {podcast_name}
Q would you follow the podcast {podcast_name} from now on
S {podcast_name} is a great podcast, never let me miss one.
""",
    "construction": """
paint_needed paint_quantity litres_of_paint
= compute amounts of paint
: Computes the amount of paint that walls need. The result is in litres. | Paint for a wall
- wall_width width_of_wall : num 2 15 1 ; Width of the wall in metres. ; with width {} m
- wall_height height_of_wall : num 2 6 1 ; Height of the wall in metres. ; with height {} m
-? coats layers_of_paint : int 2 4 := 1 ; Number of coats. ; applying {} coats
I determine the paint required by a wall
Q which amount of paint does a wall need
S My wall is {wall_width} m wide and {wall_height} m high. How much paint goes on it?

concrete_volume_for_slab slab_concrete pour_volume
= compute concrete for slabs
: Computes how much concrete a rectangular slab takes, in cubic metres. | Concrete for a slab
- slab_length length_in_m : num 2 20 1 ; Length in metres. ; with length {} m
- slab_width width_in_m : num 2 12 1 ; Width in metres. ; with width {} m
- thickness thickness_cm : int 8 40 ; Thickness in centimetres. ; with thickness {} cm
I determine the concrete that a slab takes
Q which volume of concrete goes into a slab
S A slab is {slab_length} m by {slab_width} m, {thickness} cm thick. How much concrete?

hire_contractor contractor_request find_tradesperson
= hire tradespeople
: Hires a tradesperson for a job. | Find a contractor
- trade craft : enum plumber=plumber,roofer=roofer,tiler=tiler,painter=painter,mason=mason ; Trade
- site_address job_address : address ; Where the job is
-? budget_limit price_ceiling : money 200 9000 ; Most that it may cost ; spending {} at most
I hire a {trade} to come to {site_address}
Q would a {trade} come to {site_address}
S There's work at {site_address} that only a {trade} can do.
""",
    "biology": """
gene_information describe_gene gene_lookup
= describe genes
: Facts about a gene. | Describes what a gene does
-* gene_symbol gene : gene ; Symbol of the gene, such as "TP53".
-? organism species_name : enum human,mouse,zebrafish := "human" ; Organism ; as found in the {}
I describe the gene {gene_symbol}
Q which job does the gene {gene_symbol} do
L facts on the gene {gene_symbol}

species_status conservation_status endangered_check
= look up whether species are endangered
: Conservation status of a species. | Whether an animal is endangered
-* animal_species creature : species ; Common name of the species.
-? reporting_region within : region ; Region of the report ; counting only {}
I find out if the {animal_species} is endangered
Q is the {animal_species} an endangered species
L the conservation status of the {animal_species}

cell_growth_projection bacteria_growth project_population
= project cell growth
: Projects the number of cells after a number of hours, given a doubling time. | Growth of a culture
- initial_cells starting_cells : int 100 9000 ; Cells at the start. ; beginning at {} cells
- doubling_minutes generation_minutes : int 15 90 ; Minutes until the number doubles. ; doubling each {} minutes
- elapsed_hours growth_hours : int 2 24 ; Hours of growth. ; after {} hours
I project the size of a bacterial culture
Q which size does a cell culture reach
S {initial_cells} cells double each {doubling_minutes} minutes. What's there after {elapsed_hours} hours?

dna_complement complement_strand dna_opposite_strand
= complement DNA
: Complementary strand of a piece of DNA. | Complement of a DNA sequence
-* sequence dna_string : enum ATGCCG,GGATTC,TTAGCA,CCGTAA,AGCTTG,TACGGA,CATTAG,GTCCAT ; Sequence of the letters A, C, G, T.
-? reversed reverse_complement : bool := false ; Read the result backwards. ; t: , reversed
I complement the DNA {sequence}
Q which strand pairs up with {sequence}
L the complementary strand to {sequence}
""",
    "trigonometry": """
law_of_cosines_side third_side_of_triangle side_by_cosines
= compute triangle sides
: Computes the third side of a triangle from two sides and the angle between them. | Law of cosines
- first_side s1 : num 2 60 1 ; Length of the first side. ; with sides of {}
- second_side s2 : num 2 60 1 ; Length of the second side. ; with a second side of {}
- included_angle angle_between : int 10 170 ; The angle between them, in degrees. ; with {} degrees between them
I determine the third side given sides {first_side} and {second_side}, {included_angle} degrees between them
Q which third side has a triangle given {first_side} and {second_side} enclosing {included_angle} degrees
L the missing triangle side given {first_side}, {second_side} and {included_angle} degrees between them

sector_area_of_circle pie_slice_area circular_sector
= compute circular sectors
: Computes the area of a sector of a circle. | Sector of a circle
- sector_radius disc_radius : num 2 50 1 ; The radius. ; with radius {}
- central_angle opening_angle : int 10 350 ; The central angle in degrees. ; with a central angle of {} degrees
-? angle_unit angle_measure : enum degrees=degrees,gradians=gradians := "degrees" ; Unit of the angle. ; (angles as {})
I determine how large a circular sector is
Q which area has a sector of a circle
L the sector of a circle

polygon_diagonals count_diagonals diagonals_in_polygon
= count diagonals
: Counts the diagonals of a polygon. | Number of diagonals
-* corners vertices : int 4 40 ; Number of corners.
I count the diagonals in a polygon having {corners} corners
Q which number of diagonals does a polygon having {corners} corners have
L the diagonals in a polygon having {corners} corners
""",
    "probability": """
dice_probability chance_of_sum roll_odds
= compute odds of dice
: Probability that several dice show a given sum. | Odds of a sum of dice
- dice_rolled number_of_dice : int 2 6 ; How many dice are rolled. ; rolling {} dice
- wanted_sum desired_total : int 5 30 ; The sum that is wanted. ; hoping for a sum of {}
-? faces sides_per_die : int 4 20 := 6 ; Faces of one die. ; having {} faces each
I determine the odds
Q how likely is a sum of {wanted_sum} on {dice_rolled} dice
L the odds of a sum of {wanted_sum} on {dice_rolled} dice

binomial_chance binomial_pmf success_probability
= compute binomial probabilities
: Probability of a number of successes in independent trials. | Binomial distribution
- trials attempts : int 4 60 ; Number of trials. ; given {} trials
- successes hits : int 2 12 ; Number of successes. ; with {} successes
- success_rate chance_each : rate 5 90 ; Probability of success in one trial, between 0 and 1. ; at a success rate of {}
I determine the binomial probability
Q how probable are {successes} hits out of {trials} at a success rate of {success_rate}
L the binomial probability

arrange_items_count permutations_count ways_to_order
= count arrangements
: Counts the ways to pick and arrange items. | Number of permutations
- available_items pool_size : int 5 40 ; How many items there are. ; out of {} items
- picked_items pick : int 2 9 ; How many are picked. ; picking {}
I count the ordered arrangements
Q in which number of ways may {picked_items} out of {available_items} items be lined up
L the count of ordered picks of {picked_items} out of {available_items}
""",
    "accounting": """
straight_line_depreciation asset_depreciation yearly_write_off
= compute depreciation
: Computes the yearly depreciation of an asset by the straight-line method. | Write-off of an asset
- purchase_price asset_cost : money 800 60000 ; What the asset cost. ; costing {}
- salvage_value residual : money 100 700 ; What it is worth at the end. ; leaving a residual value of {}
- useful_life lifetime_years : int 3 20 ; Years of use. ; used {} years
I determine the yearly depreciation of an asset
Q which sum is written off yearly on an asset
S An asset costing {purchase_price} is used {useful_life} years and then worth {salvage_value}. Depreciation?

break_even_units break_even_point units_to_break_even
= compute break-even points
: Number of units that must be sold to cover the costs. | Break-even analysis
- fixed_costs overhead : money 1000 90000 ; Costs that do not depend on sales. ; given fixed costs of {}
- unit_price selling_price : money 5 300 ; Price of one unit. ; selling at {}
- unit_cost variable_cost : money 1 200 ; Cost of making one unit. ; making each at {}
I determine the break-even point
Q at which number of units do we break even
L the break-even number of units

inflation_adjusted_value real_value adjust_for_inflation
= adjust for inflation
: Adjusts a sum of money for inflation between two years. | Value of money over time
- original_sum nominal_amount : money 10 5000 ; The sum.
- base_year year_then : int 1900 1990 ; Year of the sum.
- target_year year_now : int 1995 2024 ; Year to convert to.
I adjust {original_sum} of the year {base_year} to the prices of {target_year}
Q which sum does {original_sum} of {base_year} equal by {target_year}
L the {target_year} equivalent of {original_sum} of {base_year}
""",
    "elections": """
polling_station_lookup find_polling_place where_to_vote
= find polling stations
: Finds the polling station of an address. | Where to vote
-* voter_address registered_address : address ; Address of the voter
-? election_kind vote_type : enum local=the local election,national=the national election,referendum=the referendum ; Which election ; in {}
I find where somebody living at {voter_address} votes
Q which polling station serves {voter_address}
L the polling station serving {voter_address}

election_results vote_counts poll_outcome
= report election results
: Results of an election in a country. | Outcome of a vote
-* in_country voting_country : country ; Country
- election_year held_in : int 1970 2024 ; Year of the election
-? chamber house_of_parliament : enum upper=the upper house,lower=the lower house ; Chamber ; looking at {}
I report how {in_country} voted during {election_year}
Q which party won {in_country} during the {election_year} election
L the {election_year} election result of {in_country}
""",
    "fashion": """
outfit_suggestion suggest_outfit style_advice
= suggest outfits
: Suggests an outfit. | Styling advice
-* occasion dress_occasion : enum wedding=a wedding,interview=an interview,beach=the beach,gala=a gala,hike=a hike ; Occasion
-? include_garment must_include : garment ; Garment to build on ; featuring {}
-? preferred_colours palette : list colour 1 2 ; Colours to use ; using {}
I put together an outfit that suits {occasion}
Q which clothes suit {occasion}
S I have nothing to wear to {occasion}!

size_conversion shoe_size_convert convert_clothing_size
= convert shoe sizes
: Converts a shoe size between systems. | Shoe sizes of other countries
- given_size shoe_size : num 35 47 1 ; The size
- from_system size_system : enum eu=EU,cn=Chinese ; System of the given size
- into_system target_system : enum us=US,uk=UK,jp=Japanese ; System to convert to
I express {from_system} shoe size {given_size} as a {into_system} size
Q which {into_system} shoe size equals {from_system} {given_size}
L the {into_system} equivalent of {from_system} shoe size {given_size}
""",
}
