"""Programs for measurement: no training program does the same. The form is described in ``_debug_programs.py``."""

PROGRAMS = r'''
> return how many more red than blue balls there are
def red_lead(balls):
    lead = 0
    for ball in balls:
        if ball == "red":
            lead += 1
        elif ball == "blue":
            lead -= 1
    return lead
? red_lead(["red", "blue", "red"]) == 1
? red_lead(["blue"]) == -1
~ red_lead: lead_of_red red_minus_blue

> return the price of the tickets, with every fifth one free
def ticket_cost(count, price):
    free = count // 5
    return (count - free) * price
? ticket_cost(5, 10) == 40
? ticket_cost(4, 10) == 40
? ticket_cost(11, 2) == 18
~ ticket_cost: group_price tickets_total | count: seats n

> return the pages that were not read, given the last page read
def pages_left(pages, last_read):
    left = []
    for p in pages:
        if p > last_read:
            left.append(p)
    return left
? pages_left([1, 2, 3, 4], 2) == [3, 4]
? pages_left([1], 1) == []
~ pages_left: unread remaining_pages | pages: sheets book

> count the floors the lift passes
def floors_passed(trips):
    count = 0
    for start, stop in trips:
        count += abs(stop - start)
    return count
? floors_passed([(0, 3), (3, 1)]) == 5
? floors_passed([]) == 0
~ floors_passed: lift_floors floor_count | trips: rides calls

> return the coldest hour of the day as an index
def coldest_hour(temps):
    hour = 0
    for i in range(1, len(temps)):
        if temps[i] < temps[hour]:
            hour = i
    return hour
? coldest_hour([5, 2, 7]) == 1
? coldest_hour([1, 1, 4]) == 0
? coldest_hour([9, 8, 3]) == 2
~ coldest_hour: chilly_hour min_hour | temps: degrees heat

> write the countdown text from n to 1, then go
def launch_text(n):
    parts = []
    while n > 0:
        parts.append(str(n))
        n -= 1
    parts.append("go")
    return " ".join(parts)
? launch_text(3) == "3 2 1 go"
? launch_text(0) == "go"
~ launch_text: start_call ready_text

> return the knitting pattern row with knit and purl in turn
def pattern_row(n):
    row = ""
    for i in range(n):
        if i % 2 == 0:
            row += "k"
        else:
            row += "p"
    return row
? pattern_row(4) == "kpkp"
? pattern_row(1) == "k"
~ pattern_row: knit_row stitch_line

> split the class into two teams by odd and even position
def two_teams(pupils):
    return pupils[0::2], pupils[1::2]
? two_teams(["a", "b", "c"]) == (["a", "c"], ["b"])
? two_teams([]) == ([], [])
~ two_teams: split_class pick_teams | pupils: kids class_list

> return the net weight of the crates
def net_weight(crates, empty):
    total = 0
    for c in crates:
        total += c - empty
    return total
? net_weight([10, 12], 2) == 18
? net_weight([], 2) == 0
~ net_weight: fruit_weight load_only | crates: boxes gross | empty: tare box

> return the colour that comes after the given one in the traffic light
def next_light(colour):
    order = ["green", "yellow", "red"]
    i = order.index(colour)
    return order[(i + 1) % 3]
? next_light("green") == "yellow"
? next_light("red") == "green"
~ next_light: light_after signal_next | colour: color lamp

> count the knots that are not tied
def loose_knots(knots):
    return sum(1 for k in knots if not k)
? loose_knots([True, False, False]) == 2
? loose_knots([True]) == 0
~ loose_knots: open_knots untied | knots: ties loops

> return the medal for the place
def medal(place):
    if place == 1:
        return "gold"
    if place == 2:
        return "silver"
    if place == 3:
        return "bronze"
    return "none"
? medal(1) == "gold"
? medal(2) == "silver"
? medal(3) == "bronze"
? medal(4) == "none"
~ medal: medal_for prize | place: rank finish

> return the wind class: calm below 5, breeze below 30, storm from 30
def wind_class(kmh):
    if kmh < 5:
        return "calm"
    elif kmh < 30:
        return "breeze"
    return "storm"
? wind_class(4) == "calm"
? wind_class(5) == "breeze"
? wind_class(30) == "storm"
~ wind_class: wind_word name_wind | kmh: speed wind

> return the fuel used in litres for the distance
def fuel_used(km, per_hundred):
    return km / 100 * per_hundred
? fuel_used(200, 6) == 12
? fuel_used(50, 8) == 4
~ fuel_used: petrol_for litres_needed | km: distance way | per_hundred: usage rate

> return how many tins of paint are needed for the wall
def paint_tins(width, height, per_tin):
    area = width * height
    tins = area // per_tin
    if area % per_tin != 0:
        tins += 1
    return tins
? paint_tins(4, 3, 5) == 3
? paint_tins(5, 2, 5) == 2
~ paint_tins: tins_for wall_paint | per_tin: cover reach

> return the number of legs in the stable
def legs(horses, hens):
    return horses * 4 + hens * 2
? legs(2, 3) == 14
? legs(0, 1) == 2
~ legs: leg_count count_legs | horses: cows dogs | hens: geese ducks

> return the price with a surcharge of 5 for small orders under 50
def order_price(amount):
    if amount < 50:
        amount += 5
    return amount
? order_price(20) == 25
? order_price(50) == 50
~ order_price: final_amount with_surcharge | amount: value goods

> return the battery level after the hours of use, never below 0
def battery_after(level, hours, drain):
    level = level - hours * drain
    if level < 0:
        return 0
    return level
? battery_after(100, 3, 10) == 70
? battery_after(20, 3, 10) == 0
~ battery_after: charge_left power_after | drain: rate loss

> say whether the train can still be caught
def can_catch(now, walk, departure):
    return now + walk <= departure
? can_catch(600, 10, 610) is True
? can_catch(600, 11, 610) is False
~ can_catch: in_time makes_train | walk: way distance | departure: leaves train

> return the next free parking space, or None
def next_space(spaces):
    for number, state in spaces.items():
        if state == "free":
            return number
    return None
? next_space({1: "taken", 2: "free"}) == 2
? next_space({1: "free", 2: "taken"}) == 1
? next_space({1: "taken"}) is None
~ next_space: free_space park_at | spaces: lots garage

> return the ingredients scaled to the number of guests
def for_guests(recipe, guests, serves):
    scaled = {}
    for name, amount in recipe.items():
        scaled[name] = amount * guests / serves
    return scaled
? for_guests({"egg": 2}, 4, 2) == {"egg": 4}
? for_guests({"oil": 3}, 1, 3) == {"oil": 1}
~ for_guests: scale_recipe portions | recipe: dish meal

> count how many songs each artist has
def songs_by_artist(songs):
    counts = {}
    for song in songs:
        artist = song["artist"]
        counts[artist] = counts.get(artist, 0) + 1
    return counts
? songs_by_artist([{"artist": "Ra"}, {"artist": "Bo"}, {"artist": "Ra"}]) == {"Ra": 2, "Bo": 1}
? songs_by_artist([]) == {}
~ songs_by_artist: artist_counts track_count | songs: tracks playlist

> collect the subjects of each teacher
def subjects_of(lessons):
    table = {}
    for teacher, subject in lessons:
        if teacher not in table:
            table[teacher] = []
        table[teacher].append(subject)
    return table
? subjects_of([("Ms A", "art"), ("Ms A", "maths")]) == {"Ms A": ["art", "maths"]}
? subjects_of([]) == {}
~ subjects_of: timetable teacher_subjects | lessons: hours plan

> return the library fine: nothing for 14 days, then 2 a day
def library_fine(days):
    late = days - 14
    if late <= 0:
        return 0
    return late * 2
? library_fine(14) == 0
? library_fine(17) == 6
? library_fine(3) == 0
~ library_fine: late_fee overdue | days: kept borrowed

> return the label of a shirt size
def size_label(chest):
    if chest < 90:
        return "S"
    if chest < 100:
        return "M"
    return "L"
? size_label(89) == "S"
? size_label(90) == "M"
? size_label(100) == "L"
~ size_label: shirt_size fit_for | chest: cm width

> return the vowels of the word removed, keeping only consonants
def consonants(word):
    result = ""
    for ch in word:
        if ch.lower() not in "aeiou":
            result += ch
    return result
? consonants("Apple") == "ppl"
? consonants("sky") == "sky"
~ consonants: bare_word skip_soft | word: text label

> return the middle name, or an empty text
def middle_name(full):
    parts = full.split()
    if len(parts) < 3:
        return ""
    return parts[1]
? middle_name("Ann Lee Fox") == "Lee"
? middle_name("Ann Fox") == ""
~ middle_name: second_name name_between | full: person whole

> return the sentence with a full stop at the end, but not two
def full_stop(sentence):
    if sentence.endswith("."):
        return sentence
    return sentence + "."
? full_stop("Hi") == "Hi."
? full_stop("Hi.") == "Hi."
~ full_stop: end_sentence with_dot | sentence: text remark

> read scores such as '3:1' and return the winner
def match_winner(result):
    home, away = result.split(":")
    if int(home) > int(away):
        return "home"
    if int(home) < int(away):
        return "away"
    return "draw"
? match_winner("3:1") == "home"
? match_winner("9:10") == "away"
? match_winner("2:2") == "draw"
~ match_winner: who_won winner_of | result: score final

> turn a hex digit pair into a number
def hex_pair(text):
    return int(text, 16)
? hex_pair("ff") == 255
? hex_pair("0a") == 10
~ hex_pair: from_hex byte_of | text: pair code

> write the list as an English enumeration with 'and'
def english_list(words):
    if len(words) == 1:
        return words[0]
    return ", ".join(words[:-1]) + " and " + words[-1]
? english_list(["tea", "milk", "jam"]) == "tea, milk and jam"
? english_list(["tea"]) == "tea"
? english_list(["a", "b"]) == "a and b"
~ english_list: say_list and_list | words: things foods

> mask the middle of the e-mail user name
def mask_user(user):
    return user[0] + "*" * (len(user) - 2) + user[-1]
? mask_user("peter") == "p***r"
? mask_user("al") == "al"
~ mask_user: hide_middle starred | user: login nick

> say whether the licence plate has the form AB-123
def plate_ok(plate):
    letters, _, digits = plate.partition("-")
    return len(letters) == 2 and letters.isupper() and digits.isdigit()
? plate_ok("AB-123") is True
? plate_ok("ab-123") is False
? plate_ok("AB-12x") is False
? plate_ok("ABC-1") is False
~ plate_ok: valid_plate check_plate | plate: sign tag

> return the chess colour of a field by its row and column
def field_colour(row, col):
    if (row + col) % 2 == 0:
        return "dark"
    return "light"
? field_colour(0, 0) == "dark"
? field_colour(2, 1) == "light"
? field_colour(1, 1) == "dark"
~ field_colour: square_shade board_colour

> count the neighbours of a cell that are alive
def live_neighbours(cells, i):
    count = 0
    if i > 0 and cells[i - 1]:
        count += 1
    if i < len(cells) - 1 and cells[i + 1]:
        count += 1
    return count
? live_neighbours([1, 0, 1], 1) == 2
? live_neighbours([1, 1], 0) == 1
? live_neighbours([0, 1], 1) == 0
~ live_neighbours: alive_beside near_live | cells: row life

> return the frame of the picture: first and last row
def outer_rows(picture):
    return [picture[0], picture[-1]]
? outer_rows([1, 2, 3]) == [1, 3]
? outer_rows(["a", "b"]) == ["a", "b"]
~ outer_rows: frame_rows edges_of | picture: image photo

> mirror each row of the picture
def mirror_rows(picture):
    return [row[::-1] for row in picture]
? mirror_rows([[1, 2], [3, 4]]) == [[2, 1], [4, 3]]
? mirror_rows([]) == []
~ mirror_rows: flip_image selfie | picture: image photo

> return the brightest pixel of the picture
def brightest(picture):
    best = picture[0][0]
    for row in picture:
        for pixel in row:
            if pixel > best:
                best = pixel
    return best
? brightest([[1, 9], [4, 2]]) == 9
? brightest([[3]]) == 3
? brightest([[-5, -2]]) == -2
~ brightest: max_pixel light_spot | picture: image photo

> return the ladder heights: each rung is step higher than the last
def rung_heights(count, step):
    heights = []
    h = 0
    for _ in range(count):
        h += step
        heights.append(h)
    return heights
? rung_heights(3, 25) == [25, 50, 75]
? rung_heights(0, 25) == []
~ rung_heights: ladder rungs | step: gap rise

> return the bounces until the ball stays below one
def bounces(height):
    count = 0
    while height >= 1:
        height = height / 2
        count += 1
    return count
? bounces(4) == 3
? bounces(1) == 1
? bounces(0.5) == 0
~ bounces: bounce_count ball_hops | height: drop meters

> return how many grains lie on the field by recursion, doubling each time
def grains(field):
    if field == 1:
        return 1
    return 2 * grains(field - 1)
? grains(1) == 1
? grains(5) == 16
~ grains: rice_on grain_count | field: square place

> return the depth of nested boxes by recursion
def box_depth(box):
    if box is None:
        return 0
    return 1 + box_depth(box["inside"])
? box_depth({"inside": {"inside": None}}) == 2
? box_depth(None) == 0
~ box_depth: nesting doll_count | box: doll crate

> collect all names of a family tree by recursion
def family_names(person):
    names = [person["name"]]
    for child in person["children"]:
        names.extend(family_names(child))
    return names
? family_names({"name": "A", "children": [{"name": "B", "children": []}]}) == ["A", "B"]
? family_names({"name": "Z", "children": []}) == ["Z"]
~ family_names: tree_names all_relatives | person: head root

> return the winner of rock, paper, scissors from the first player's view
def play(first, second):
    beats = {"rock": "scissors", "paper": "rock", "scissors": "paper"}
    if first == second:
        return "draw"
    if beats[first] == second:
        return "win"
    return "loss"
? play("rock", "scissors") == "win"
? play("rock", "paper") == "loss"
? play("rock", "rock") == "draw"
~ play: rps_round throw_hands | first: mine me | second: yours them

> return the total time of the laps without the warm-up lap
def race_time(laps):
    return sum(laps[1:])
? race_time([90, 60, 61]) == 121
? race_time([50]) == 0
~ race_time: timed_laps lap_total | laps: rounds splits

> return the score without the best and the worst jury mark
def jury_score(marks):
    ordered = sorted(marks)
    kept = ordered[1:-1]
    return sum(kept) / len(kept)
? jury_score([9, 5, 7, 8]) == 7.5
? jury_score([1, 6, 10]) == 6
~ jury_score: fair_score panel_mark | marks: votes judges

> say how many stamps of 3 and 5 pay the postage, fives first
def stamps(amount):
    fives = amount // 5
    rest = amount % 5
    threes = rest // 3
    return fives, threes
? stamps(13) == (2, 1)
? stamps(5) == (1, 0)
~ stamps: stamp_mix postage_stamps | amount: cents cost

> return the elevation gain of the hike
def climb(heights):
    gain = 0
    for i in range(1, len(heights)):
        step = heights[i] - heights[i - 1]
        if step > 0:
            gain += step
    return gain
? climb([100, 150, 120, 130]) == 60
? climb([5]) == 0
~ climb: uphill total_climb | heights: profile metres

> return the days on which it rained two days in a row
def wet_pairs(rain):
    days = []
    for i in range(1, len(rain)):
        if rain[i] and rain[i - 1]:
            days.append(i)
    return days
? wet_pairs([1, 1, 0, 1]) == [1]
? wet_pairs([1, 1, 1]) == [1, 2]
? wet_pairs([]) == []
~ wet_pairs: double_rain rainy_twice | rain: wet days_of_rain

> remove the first wrong key from the ring and keep the others
def drop_key(ring, key):
    ring = list(ring)
    if key in ring:
        ring.remove(key)
    return ring
? drop_key(["a", "b", "a"], "a") == ["b", "a"]
? r = ["a"]; drop_key(r, "a"); r == ["a"]
? drop_key(["a"], "x") == ["a"]
~ drop_key: lose_key without_key | ring: bunch keys

> book the seat unless it is taken and say whether it worked
def book_seat(booked, seat):
    if seat in booked:
        return False
    booked.add(seat)
    return True
? s = set(); book_seat(s, 3); s == {3}
? book_seat({3}, 3) is False
? book_seat({3}, 4) is True
~ book_seat: reserve take_seat | booked: taken sold

> log the visitor with a capital in the given book, or in a new one
def sign_book(visitor, book=None):
    if book is None:
        book = []
    book.append(visitor.title())
    return book
? sign_book("a"); sign_book("b") == ["B"]
? sign_book("c", ["X"]) == ["X", "C"]
~ sign_book: sign_in log_visit | visitor: person caller | book: register pages

> keep the score of a dart game that counts down from 301
class Darts:
    def __init__(self):
        self.left = 301
    def throw(self, points):
        if points <= self.left:
            self.left -= points
        return self.left
? Darts().throw(60) == 241
? d = Darts(); d.throw(300); d.throw(5) == 1
? d = Darts(); d.throw(301) == 0
~ Darts: DartBoard DartScore

> open the lock only with the right code
class Lock:
    def __init__(self, code):
        self.code = code
        self.is_open = False
    def enter(self, code):
        if code == self.code:
            self.is_open = True
        return self.is_open
? Lock(42).enter(42) is True
? Lock(42).enter(1) is False
~ Lock: Safe Vault

> fill the bottle up to its size and return what flows over
class Bottle:
    def __init__(self, size):
        self.size = size
        self.level = 0
    def fill(self, amount):
        self.level += amount
        over = max(0, self.level - self.size)
        self.level -= over
        return over
? Bottle(10).fill(12) == 2
? b = Bottle(10); b.fill(4); b.level == 4
? b = Bottle(10); b.fill(15); b.level == 10
~ Bottle: Jug Cask

> serve the guests in the order in which they came
class WaitingRoom:
    def __init__(self):
        self.guests = []
    def arrive(self, name):
        self.guests.append(name)
    def call_next(self):
        return self.guests.pop(0)
? w = WaitingRoom(); w.arrive("a"); w.arrive("b"); w.call_next() == "a"
? w = WaitingRoom(); w.arrive("z"); w.call_next() == "z"
~ WaitingRoom: Counterline Reception

> make a function that greets with the given word
def make_greeter(word):
    def greeter(name):
        return word + " " + name
    return greeter
? make_greeter("Hi")("Bo") == "Hi Bo"
? make_greeter("Dear")("Al") == "Dear Al"
~ make_greeter: greeter_for saying

> yield the floor numbers of a house without number 13
def floor_numbers(n):
    for i in range(1, n + 1):
        if i == 13:
            continue
        yield i
? list(floor_numbers(3)) == [1, 2, 3]
? list(floor_numbers(14))[-2:] == [12, 14]
~ floor_numbers: lift_buttons storeys

> yield the cumulative rainfall until it passes the limit
def until_full(rain, limit):
    level = 0
    for mm in rain:
        level += mm
        if level > limit:
            break
        yield level
? list(until_full([2, 3, 9], 6)) == [2, 5]
? list(until_full([2, 4], 6)) == [2, 6]
~ until_full: fill_levels barrel_steps | limit: brim most

> return the exchange value in the other currency
def swap_cash(amount: float, rate: float, fee: float = 0) -> float:
    return (amount - fee) * rate
? swap_cash(100, 2) == 200
? swap_cash(100, 2, 10) == 180
~ swap_cash: swap_money foreign_value | amount: money cash

> say whether the room is bookable: enough seats and a projector if needed
def room_fits(room: dict, people: int, projector: bool) -> bool:
    if projector and not room["projector"]:
        return False
    return room["seats"] >= people
? room_fits({"seats": 10, "projector": False}, 10, False) is True
? room_fits({"seats": 10, "projector": False}, 5, True) is False
? room_fits({"seats": 10, "projector": True}, 11, True) is False
~ room_fits: can_book good_room | people: heads persons

> return the temperatures without the missing ones
def known_temps(temps: list) -> list:
    return [t for t in temps if t is not None]
? known_temps([3, None, 0]) == [3, 0]
? known_temps([None]) == []
~ known_temps: measured real_temps | temps: readings data

> return the delivery day: the next day, or Monday (0) after Friday (4)
def delivery_day(today: int) -> int:
    if today >= 4:
        return 0
    return today + 1
? delivery_day(4) == 0
? delivery_day(0) == 1
? delivery_day(3) == 4
? delivery_day(6) == 0
~ delivery_day: arrives_on ship_day | today: day sent

> return the total length of all songs as minutes and seconds
def album_length(songs: list[int]) -> str:
    total = sum(songs)
    return f"{total // 60}:{total % 60:02d}"
? album_length([100, 85]) == "3:05"
? album_length([60]) == "1:00"
~ album_length: playing_time total_time | songs: tracks secs

> give each table the waiter whose turn it is
def assign_waiters(tables, waiters):
    plan = {}
    for i, table in enumerate(tables):
        plan[table] = waiters[i % len(waiters)]
    return plan
? assign_waiters([1, 2, 3], ["a", "b"]) == {1: "a", 2: "b", 3: "a"}
? assign_waiters([], ["a"]) == {}
~ assign_waiters: waiter_plan serve_plan | tables: places spots

> return the name of the day's menu, or closed on Sunday
def menu_of(day, menus):
    if day == "Sunday":
        return "closed"
    return menus.get(day, "soup")
? menu_of("Monday", {"Monday": "pasta"}) == "pasta"
? menu_of("Sunday", {"Sunday": "fish"}) == "closed"
? menu_of("Friday", {}) == "soup"
~ menu_of: dish_on todays_menu | menus: plan dishes

> count the steps to climb the stairs, two at a time
def double_steps(stairs):
    return stairs // 2 + stairs % 2
? double_steps(7) == 4
? double_steps(6) == 3
~ double_steps: stair_steps leaps | stairs: height treads

> return the first day on which the total of the donations reached the goal
def goal_day(donations, goal):
    total = 0
    for day, amount in enumerate(donations, 1):
        total += amount
        if total >= goal:
            return day
    return None
? goal_day([5, 5, 9], 10) == 2
? goal_day([20], 10) == 1
? goal_day([1], 10) is None
~ goal_day: reached_on day_of_goal | donations: gifts amounts
'''
