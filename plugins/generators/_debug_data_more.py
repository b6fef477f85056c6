"""Programs around typical slips of Python for training. The form is described in ``_debug_programs.py``."""

PROGRAMS = r'''
> sort the version texts by their numbers
def sort_versions(versions):
    return sorted(versions, key=lambda v: [int(p) for p in v.split(".")])
? sort_versions(["1.10", "1.9"]) == ["1.9", "1.10"]
? sort_versions(["2.0"]) == ["2.0"]
~ sort_versions: order_releases release_order by_version | versions: releases tags
! sorted(versions, key=lambda v: [int(p) for p in v.split(".")]) => sorted(versions) :: Texts are compared letter by letter; the parts must be compared as numbers. :: 1.10 comes before 1.9

> turn the price in euros into cents
def to_cents(euros):
    return round(euros * 100)
? to_cents(1.15) == 115
? to_cents(2) == 200
~ to_cents: in_cents cents_of small_money | euros: price amount
! round(euros * 100) => int(euros * 100) :: `int` cuts the fraction off, and 1.15 * 100 is a bit less than 115; `round` is needed. :: it is one cent short sometimes

> say whether the text 'on' or 'off' means on
def is_on(text):
    return text.lower() == "on"
? is_on("ON") is True
? is_on("off") is False
~ is_on: switched_on active_flag means_on | text: state flag

> say whether the day is a Saturday or a Sunday
def day_off(day):
    return day == "Saturday" or day == "Sunday"
? day_off("Monday") is False
? day_off("Sunday") is True
? day_off("Saturday") is True
~ day_off: free_day weekend_day no_school | day: today name

> say whether the pet may travel: cats and dogs may
def may_travel(pet):
    return pet == "cat" or pet == "dog"
? may_travel("dog") is True
? may_travel("cat") is True
? not may_travel("snake")
~ may_travel: can_board allowed_pet travels | pet: animal kind

> return the text with all dashes replaced by blanks
def no_dashes(text):
    text = text.replace("-", " ")
    return text
? no_dashes("a-b-c") == "a b c"
? no_dashes("abc") == "abc"
~ no_dashes: undash dash_free spaces_for_dashes | text: code label

> return a sorted copy of the marks
def in_order(marks):
    ordered = sorted(marks)
    return ordered
? in_order([3, 1]) == [1, 3]
? m = [2, 1]; in_order(m); m == [2, 1]
~ in_order: sorted_copy lined_up from_low | marks: scores cards
! ordered = sorted(marks)\n    return ordered => ordered = marks.sort()\n    return ordered :: `sort` changes the list itself and returns None; `sorted` returns a new list. :: I get None

> add the item and return the whole list
def plus_one(items, new):
    items.append(new)
    return items
? plus_one([1], 2) == [1, 2]
? plus_one([], "a") == ["a"]
~ plus_one: put_in add_last grow_list | items: bag stack | new: extra thing
! items.append(new)\n    return items => return items.append(new) :: `append` returns None, so the list has to be returned on a line of its own. :: the result is None

> return both lists as one
def join_lists(a, b):
    result = list(a)
    result.extend(b)
    return result
? join_lists([1], [2, 3]) == [1, 2, 3]
? x = [1]; join_lists(x, [2]); x == [1]
~ join_lists: all_together one_list glue

> return the area of two square tiles
def tile_area(side):
    return 2 * side ** 2
? tile_area(3) == 18
? tile_area(5) == 50
~ tile_area: square_size field_size area_of | side: edge width

> return the first half of the list
def first_half(items):
    return items[:len(items) // 2]
? first_half([1, 2, 3, 4]) == [1, 2]
? first_half([1, 2, 3]) == [1]
~ first_half: front_half left_half half_of | items: cards pages

> return the ages of the people with an entry, which come as text
def ages(rows):
    return [int(row["age"]) for row in rows if row["age"] != ""]
? ages([{"age": "7"}, {"age": ""}]) == [7]
? ages([]) == []
~ ages: read_ages age_list known_ages | rows: people entries

> return the total of the receipt lines such as 'tea 3'
def receipt_total(lines):
    total = 0
    for line in lines:
        name, price = line.split()
        total += int(price)
    return total
? receipt_total(["tea 3", "jam 4"]) == 7
? receipt_total([]) == 0
~ receipt_total: sum_receipt till_total slip_sum | lines: rows slips

> count the calls with a module variable
calls = 0
def count_call():
    global calls
    calls += 1
    return calls
? count_call(); count_call() == 2
? count_call() == 1
~ count_call: register_call one_more note_call

> run the brewing and add the time of the toast
async def brew():
    return 4
async def breakfast():
    return await brew() + 2
? import asyncio; asyncio.run(breakfast()) == 6
? import asyncio; asyncio.run(brew()) == 4
~ breakfast: morning prepare get_ready
! await brew() => brew() :: `brew()` is a coroutine; `await` is needed to get its value. :: TypeError about a coroutine

> wrap a function so that its result is doubled
def doubling(f):
    def wrapper(*args):
        return 2 * f(*args)
    return wrapper
? doubling(abs)(-3) == 6
? doubling(len)("ab") == 4
~ doubling: double_result times_two_of decorate

> return the set of the colours used
def colours_used(flowers):
    used = set()
    for f in flowers:
        used.add(f["colour"])
    return used
? colours_used([{"colour": "red"}, {"colour": "red"}]) == {"red"}
? colours_used([]) == set()
~ colours_used: palette colour_set shades | flowers: plants beds
! set() => {} :: `{}` is an empty dictionary; an empty set is `set()`. ::

> find all numbers in the text with a pattern
import re
def find_numbers(text):
    return [int(n) for n in re.findall(r"\d+", text)]
? find_numbers("3 cats, 12 dogs") == [3, 12]
? find_numbers("none") == []
~ find_numbers: numbers_of extract_numbers counts_in | text: note line

> check that the whole text is a year of four digits
import re
def is_year(text):
    return re.fullmatch(r"\d{4}", text) is not None
? is_year("2024") is True
? is_year("20245") is False
? is_year("199") is False
~ is_year: year_text four_digits looks_like_year | text: entry word
! re.fullmatch => re.match :: `match` only looks at the start; `fullmatch` checks the whole text. :: longer texts pass too

> return the settings with the defaults for what is missing
def with_defaults(settings, defaults):
    result = dict(defaults)
    result.update(settings)
    return result
? with_defaults({"a": 1}, {"a": 0, "b": 2}) == {"a": 1, "b": 2}
? with_defaults({}, {"x": 5}) == {"x": 5}
~ with_defaults: fill_options complete merge_options | settings: options given

> return the hypotenuse of a right triangle
import math
def long_side(a, b):
    return math.sqrt(a ** 2 + b ** 2)
? long_side(3, 4) == 5
? long_side(6, 8) == 10
~ long_side: hypotenuse ladder_length diagonal

> return the tuple with its first value changed
def move_right(position, step):
    x, y = position
    return (x + step, y)
? move_right((1, 2), 3) == (4, 2)
? move_right((0, 0), -1) == (-1, 0)
~ move_right: shift_x slide step_right | position: point place | step: dx by

> join the numbers with plus signs
def plus_text(nums):
    return "+".join(str(n) for n in nums)
? plus_text([1, 2]) == "1+2"
? plus_text([7]) == "7"
~ plus_text: show_sum sum_as_text written_sum | nums: numbers terms

> return the digits of the number as a list
def digit_list(n):
    return [int(d) for d in str(n)]
? digit_list(407) == [4, 0, 7]
? digit_list(5) == [5]
~ digit_list: digits_of split_number single_digits

> return the number of days in the trip, both ends included
def trip_days(first, last):
    return last - first + 1
? trip_days(3, 5) == 3
? trip_days(7, 7) == 1
~ trip_days: holiday_length stay_days days_away | first: arrival begin | last: departure finish

> return the text of the weekday, with Monday as 0
def day_name(n):
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    return names[n]
? day_name(0) == "Mon"
? day_name(6) == "Sun"
~ day_name: weekday_text name_of_day show_day

> return the month name from its number, with January as 1
def month_name(n):
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return names[n - 1]
? month_name(1) == "Jan"
? month_name(12) == "Dec"
~ month_name: month_text show_month name_of_month

> convert miles into kilometres
def in_km(miles):
    return miles * 1.6
? in_km(10) == 16
? in_km(5) == 8
~ in_km: km_from_miles road_km metric | miles: distance way

> convert grams to kilograms
def in_kilos(grams):
    return grams / 1000
? in_kilos(2500) == 2.5
? in_kilos(1000) == 1
~ in_kilos: as_kilograms kilo_weight heavy_unit | grams: weight mass

> return the number of seconds in the given days
def seconds_in(days):
    return days * 24 * 60 * 60
? seconds_in(1) == 86400
? seconds_in(2) == 172800
~ seconds_in: day_seconds total_seconds as_seconds | days: n time
! days * 24 * 60 * 60 => days * 24 * 60 :: `days * 24 * 60` gives minutes; another `* 60` is needed for seconds. :: it is off by a factor of 60

> put the pair on the given list, or on a new one
def invite(guest, friend, guests=None):
    if guests is None:
        guests = []
    guests.extend([guest, friend])
    return guests
? invite("Ann", "Ed"); invite("Bob", "Flo") == ["Bob", "Flo"]
? invite("Cy", "Jo", ["Di"]) == ["Di", "Cy", "Jo"]
~ invite: put_on_list welcome ask_over | guest: first person | guests: party invited

> note the price under the name in the given table, or in a new one
def set_price(name, price, table=None):
    if table is None:
        table = []
    table.append((name, price))
    return table
? set_price("a", 1); set_price("b", 2) == [("b", 2)]
? set_price("c", 3, [("d", 4)]) == [("d", 4), ("c", 3)]
~ set_price: note_price add_row price_row | table: rows sheet | price: cost amount

> push the score to the history and return its length
def push_score(score, history=None):
    if history is None:
        history = []
    history.append(score)
    return len(history)
? push_score(1); push_score(2) == 1
? push_score(3, [1, 2]) == 3
~ push_score: log_score save_score history_size | history: past scores | score: points mark

> remove the passengers without a ticket
def check_tickets(passengers):
    for p in list(passengers):
        if not p["ticket"]:
            passengers.remove(p)
    return passengers
? check_tickets([{"ticket": 0}, {"ticket": 0}, {"ticket": 1}]) == [{"ticket": 1}]
? check_tickets([{"ticket": 1}]) == [{"ticket": 1}]
~ check_tickets: with_ticket on_board clear_bus | passengers: riders people

> delete all short words from the set
def drop_short(words):
    for w in list(words):
        if len(w) < 3:
            words.remove(w)
    return words
? drop_short(["a", "be", "sea"]) == ["sea"]
? drop_short(["tree"]) == ["tree"]
~ drop_short: long_only remove_short no_short_words | words: terms tags

> remove the rotten fruit from the crate
def sort_fruit(crate):
    for fruit in crate[:]:
        if fruit == "rotten":
            crate.remove(fruit)
    return crate
? sort_fruit(["rotten", "rotten", "good"]) == ["good"]
? sort_fruit(["good"]) == ["good"]
~ sort_fruit: good_fruit clean_crate no_rot | crate: box basket | fruit: piece one

> say whether the key is a way to quit: q or x
def wants_quit(key):
    return key == "q" or key == "x"
? not wants_quit("a")
? wants_quit("x") is True
? wants_quit("q") is True
~ wants_quit: is_exit quit_key should_stop | key: char pressed

> say whether the file may be uploaded: pdf or txt
def may_upload(kind):
    if kind == "pdf" or kind == "txt":
        return True
    return False
? may_upload("exe") is False
? may_upload("txt") is True
? may_upload("pdf") is True
~ may_upload: allowed_file upload_ok accepts | kind: ending ext

> return the time as hours and minutes, both with two digits
def time_text(hours, minutes):
    return f"{hours:02d}:{minutes:02d}"
? time_text(7, 5) == "07:05"
? time_text(12, 30) == "12:30"
~ time_text: show_time digital clock_face | hours: h hh | minutes: m mm

> write the share as percent with one decimal
def percent_text(part, whole):
    return f"{part / whole * 100:.1f}%"
? percent_text(1, 4) == "25.0%"
? percent_text(1, 3) == "33.3%"
~ percent_text: show_share quota_text in_percent | part: votes done | whole: total_of everyone

> write the number with leading zeros, three digits wide
def ticket_code(n):
    return f"T{n:03d}"
? ticket_code(7) == "T007"
? ticket_code(123) == "T123"
~ ticket_code: code_for label_number padded | n: number id_

> collect the visitors of each day
def visitors_by_day(visits):
    days = {}
    for day, name in visits:
        if day not in days:
            days[day] = []
        days[day].append(name)
    return days
? visitors_by_day([("Mon", "Al"), ("Mon", "Bo")]) == {"Mon": ["Al", "Bo"]}
? visitors_by_day([]) == {}
~ visitors_by_day: day_lists guest_days log_by_day | visits: entries log

> add up the minutes of each sport
def sport_minutes(sessions):
    minutes = {}
    for sport, m in sessions:
        if sport not in minutes:
            minutes[sport] = 0
        minutes[sport] += m
    return minutes
? sport_minutes([("run", 30), ("run", 15)]) == {"run": 45}
? sport_minutes([]) == {}
~ sport_minutes: training_time time_by_sport workout_sums | sessions: workouts log

> name the age group: child below 13, teen below 20, else adult
def age_group(age):
    if age < 13:
        return "child"
    if age < 20:
        return "teen"
    return "adult"
? age_group(12) == "child"
? age_group(13) == "teen"
? age_group(20) == "adult"
~ age_group: group_of life_stage age_name | age: years n

> rate the air: bad above 100, fair above 50, else good
def air_rating(dust):
    if dust > 100:
        return "bad"
    if dust > 50:
        return "fair"
    return "good"
? air_rating(101) == "bad"
? air_rating(51) == "fair"
? air_rating(50) == "good"
~ air_rating: air_word dust_level rate_air | dust: value index

> keep a stopwatch that adds up the laps
def stopwatch():
    total = 0
    def lap(seconds):
        nonlocal total
        total += seconds
        return total
    return lap
? s = stopwatch(); s(3); s(4) == 7
? stopwatch()(5) == 5
~ stopwatch: lap_timer timer_of make_timer

> call the function with the arguments from a list
def call_with(f, args):
    return f(*args)
? call_with(max, [3, 8]) == 8
? call_with(abs, [-2]) == 2
~ call_with: apply_to use_function run_with | args: values inputs
'''
