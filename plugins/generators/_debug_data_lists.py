"""Programs on lists and sequences for training. The form is described in ``_debug_programs.py``."""

PROGRAMS = r'''
> add up the litres of all buckets, of which each loses one litre
def bucket_sum(buckets):
    total = 0
    for i in range(len(buckets)):
        total += buckets[i] - 1
    return total
? bucket_sum([4, 1, 6]) == 8
? bucket_sum([5]) == 4
? bucket_sum([]) == 0
~ bucket_sum: sum_litres water_total fill_level | buckets: litres cans

> count the parcels that weigh more than the limit
def heavy_parcels(weights, limit):
    count = 0
    for w in weights:
        if w > limit:
            count += 1
    return count
? heavy_parcels([3, 9, 5], 5) == 1
? heavy_parcels([6, 7], 5) == 2
? heavy_parcels([], 5) == 0
~ heavy_parcels: count_heavy over_limit too_heavy | weights: kilos parcels | limit: max_weight most

> return the position of the first item equal to target, or -1
def find_item(shelf, target):
    for i in range(len(shelf)):
        if shelf[i] == target:
            return i
    return -1
? find_item(["cup", "pan", "lid"], "lid") == 2
? find_item(["cup", "pan"], "cup") == 0
? find_item(["cup"], "fork") == -1
~ find_item: index_of position where_is | shelf: row things | target: wanted thing
! return -1 => return 0 :: Position 0 means the first item; a missing item needs -1. :: a missing item is reported at position 0

> return every other element, starting with the first
def every_other(cards):
    picked = []
    for i in range(0, len(cards), 2):
        picked.append(cards[i])
    return picked
? every_other([1, 2, 3, 4, 5]) == [1, 3, 5]
? every_other([7, 8]) == [7]
~ every_other: skip_one odd_places deal_half | cards: tiles deck

> return the biggest difference between two neighbouring readings
def biggest_jump(readings):
    best = 0
    for i in range(1, len(readings)):
        jump = abs(readings[i] - readings[i - 1])
        if jump > best:
            best = jump
    return best
? biggest_jump([1, 4, 2, 9]) == 7
? biggest_jump([9, 2, 3]) == 7
? biggest_jump([5]) == 0
~ biggest_jump: max_step largest_change spike | readings: levels temps

> return a new list with the elements in reverse order
def backwards(train):
    result = []
    for i in range(len(train) - 1, -1, -1):
        result.append(train[i])
    return result
? backwards([1, 2, 3]) == [3, 2, 1]
? backwards(["a"]) == ["a"]
? backwards([]) == []
~ backwards: flipped turn_around mirror | train: wagons line

> say whether every plant got at least min_ml of water
def all_watered(amounts, min_ml):
    for a in amounts:
        if a < min_ml:
            return False
    return True
? all_watered([50, 80], 50) is True
? all_watered([80, 20], 50) is False
? all_watered([20, 80], 50) is False
~ all_watered: enough_water none_dry garden_ok | amounts: water doses | min_ml: least need

> say whether any seat in the row is free
def any_free(seats):
    for s in seats:
        if s == "free":
            return True
    return False
? any_free(["taken", "free"]) is True
? any_free(["free", "taken"]) is True
? any_free(["taken", "taken"]) is False
~ any_free: has_space seat_left room_left | seats: row places

> return the running totals of the takings
def running_totals(takings):
    totals = []
    so_far = 0
    for t in takings:
        so_far += t
        totals.append(so_far)
    return totals
? running_totals([5, 2, 3]) == [5, 7, 10]
? running_totals([]) == []
? running_totals([4]) == [4]
~ running_totals: cumulative add_along till_sums | takings: sales deposits | so_far: current acc

> split the list at the first zero into the part before and the part after
def split_at_zero(nums):
    i = nums.index(0)
    return nums[:i], nums[i + 1:]
? split_at_zero([1, 2, 0, 3]) == ([1, 2], [3])
? split_at_zero([0, 5]) == ([], [5])
~ split_at_zero: cut_at_zero two_parts halves_at_zero | nums: signal data

> return the n largest values, biggest first
def top_values(scores, n):
    ordered = sorted(scores, reverse=True)
    return ordered[:n]
? top_values([3, 9, 4, 7], 2) == [9, 7]
? top_values([1, 2], 1) == [2]
~ top_values: best_n high_scores leaders | scores: points marks | ordered: ranked lined_up

> put the name at the end of the queue and return the queue
def join_queue(queue, name):
    queue.append(name)
    return queue
? join_queue(["Ida"], "Tom") == ["Ida", "Tom"]
? join_queue([], "Sue") == ["Sue"]
~ join_queue: line_up add_to_line enqueue | queue: line waiting | name: person guest

> return a list with the item added and leave the old list as it is
def with_item(basket, item):
    new = list(basket)
    new.append(item)
    return new
? b = ["milk"]; with_item(b, "egg"); b == ["milk"]
? with_item(["milk"], "egg") == ["milk", "egg"]
~ with_item: plus_item extended_basket add_copy | basket: cart bag

> put the note on top of the given list, or of a new one
def collect_note(note, notes=None):
    if notes is None:
        notes = []
    notes.insert(0, note)
    return notes
? collect_note("a"); collect_note("b") == ["b"]
? collect_note("c", ["x"]) == ["c", "x"]
~ collect_note: add_note keep_note jot_down | note: memo line | notes: memos pages

> return the average of the three best throws
def best_three(throws):
    top = sorted(throws)[-3:]
    return sum(top) / len(top)
? best_three([10, 40, 20, 30]) == 30
? best_three([1, 2, 4]) == 7 / 3
~ best_three: top_three_mean best_average throw_score | throws: jumps tries

> pair each pupil with the next one in the circle
def next_pairs(pupils):
    pairs = []
    for i in range(len(pupils)):
        pairs.append((pupils[i], pupils[(i + 1) % len(pupils)]))
    return pairs
? next_pairs(["a", "b", "c"]) == [("a", "b"), ("b", "c"), ("c", "a")]
? next_pairs(["x"]) == [("x", "x")]
~ next_pairs: circle_pairs neighbours ring_pairs | pupils: kids players

> count how often the value changes from one element to the next
def count_changes(states):
    changes = 0
    for i in range(len(states) - 1):
        if states[i] != states[i + 1]:
            changes += 1
    return changes
? count_changes([1, 1, 2, 2, 1]) == 2
? count_changes(["on"]) == 0
? count_changes([0, 1]) == 1
~ count_changes: switches toggles flips_in | states: flags log

> return the index of the smallest price
def cheapest_index(prices):
    best = 0
    for i in range(1, len(prices)):
        if prices[i] < prices[best]:
            best = i
    return best
? cheapest_index([5, 3, 9]) == 1
? cheapest_index([2, 3]) == 0
? cheapest_index([7, 6, 1]) == 2
~ cheapest_index: min_position lowest_at bargain_index | prices: costs offers

> return what is on the packing list but not yet packed
def still_to_pack(needed, packed):
    missing = []
    for item in needed:
        if item not in packed:
            missing.append(item)
    return missing
? still_to_pack(["tent", "rope"], ["rope"]) == ["tent"]
? still_to_pack(["tent"], ["tent"]) == []
~ still_to_pack: missing_gear not_packed left_to_pack | needed: gear wanted | packed: ready bag

> cut the list into groups of the given size
def make_groups(people, size):
    groups = []
    for i in range(0, len(people), size):
        groups.append(people[i:i + size])
    return groups
? make_groups([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
? make_groups([1, 2], 3) == [[1, 2]]
~ make_groups: teams_of batches table_groups | people: guests pupils | size: n per_group

> move the first k elements to the end
def turn_list(items, k):
    return items[k:] + items[:k]
? turn_list([1, 2, 3, 4], 1) == [2, 3, 4, 1]
? turn_list([1, 2, 3], 0) == [1, 2, 3]
~ turn_list: spin shift_left cycle | items: wheel shifts | k: steps by

> return the elements without the first and the last
def inner_part(xs):
    return xs[1:-1]
? inner_part([1, 2, 3, 4]) == [2, 3]
? inner_part([5, 6, 7]) == [6]
~ inner_part: middle_of peel without_ends | xs: fence row

> add the elements of two lists position by position
def add_lists(a, b):
    result = []
    for x, y in zip(a, b):
        result.append(x + y)
    return result
? add_lists([1, 2], [10, 20]) == [11, 22]
? add_lists([], []) == []
~ add_lists: sum_pairs merge_scores plus_each | a: home left | b: away right

> multiply all the factors
def product_of(factors):
    result = 1
    for f in factors:
        result *= f
    return result
? product_of([2, 3, 4]) == 24
? product_of([5]) == 5
? product_of([]) == 1
~ product_of: times_all multiply_all combined | factors: nums sides

> return the lowest value, also when all are negative
def coldest(temps):
    low = temps[0]
    for t in temps:
        if t < low:
            low = t
    return low
? coldest([4, -3, 2]) == -3
? coldest([7, 9]) == 7
~ coldest: lowest_reading minimum_of night_low | temps: degrees readings

> put the even numbers first and keep the order otherwise
def evens_first(nums):
    evens = [n for n in nums if n % 2 == 0]
    odds = [n for n in nums if n % 2 == 1]
    return evens + odds
? evens_first([1, 2, 3, 4]) == [2, 4, 1, 3]
? evens_first([5, 7]) == [5, 7]
~ evens_first: split_parity even_then_odd sort_parity | nums: numbers lockers

> return the squares of the numbers from 1 to n
def square_list(n):
    return [i * i for i in range(1, n + 1)]
? square_list(4) == [1, 4, 9, 16]
? square_list(1) == [1]
? square_list(0) == []
~ square_list: tile_squares first_squares squares_up_to

> remove every item that is marked as done from the list
def clear_done(tasks):
    for task in list(tasks):
        if task["done"]:
            tasks.remove(task)
    return tasks
? clear_done([{"done": True}, {"done": True}, {"done": False}]) == [{"done": False}]
? clear_done([{"done": False}]) == [{"done": False}]
~ clear_done: remove_done open_tasks tidy_tasks | tasks: jobs chores | task: job chore

> remove all blank lines from the list
def remove_blank(rows):
    for row in rows[:]:
        if row == "":
            rows.remove(row)
    return rows
? remove_blank(["", "", "a"]) == ["a"]
? remove_blank(["x", "", "y"]) == ["x", "y"]
~ remove_blank: no_blanks strip_empty drop_blank_rows | rows: entries texts | row: entry part

> return the sum of each row
def row_sums(table):
    sums = []
    for row in table:
        sums.append(sum(row))
    return sums
? row_sums([[1, 2], [3, 4]]) == [3, 7]
? row_sums([[5]]) == [5]
~ row_sums: line_totals sum_rows per_row | table: grid sheet

> return the sum of each column
def column_sums(grid):
    sums = [0] * len(grid[0])
    for row in grid:
        for i in range(len(row)):
            sums[i] += row[i]
    return sums
? column_sums([[1, 2], [3, 4]]) == [4, 6]
? column_sums([[5, 0, 1]]) == [5, 0, 1]
~ column_sums: col_totals per_column sum_down | grid: table sheet

> add up the numbers on the main diagonal
def diagonal_sum(grid):
    total = 0
    for i in range(len(grid)):
        total += grid[i][i]
    return total
? diagonal_sum([[1, 2], [3, 4]]) == 5
? diagonal_sum([[7]]) == 7
~ diagonal_sum: trace_of diag_total slope_sum | grid: board matrix

> make a grid of zeros with the given number of rows and columns
def zero_grid(rows, cols):
    return [[0] * cols for _ in range(rows)]
? zero_grid(2, 3) == [[0, 0, 0], [0, 0, 0]]
? g = zero_grid(2, 2); g[0][0] = 1; g == [[1, 0], [0, 0]]
~ zero_grid: empty_board new_board blank_map | rows: height lines | cols: width columns
! [[0] * cols for _ in range(rows)] => [[0] * cols] * rows :: `[[0] * cols] * rows` repeats one and the same row, so all rows change together. :: setting one cell changes every row

> turn the columns of the table into rows
def columns_to_rows(table):
    return [list(col) for col in zip(*table)]
? columns_to_rows([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]
? columns_to_rows([[1, 2, 3]]) == [[1], [2], [3]]
~ columns_to_rows: flip_table pivot turn_grid | table: grid sheet

> count the cells of the grid that hold the given mark
def count_marks(board, mark):
    count = 0
    for row in board:
        for cell in row:
            if cell == mark:
                count += 1
    return count
? count_marks([["x", "o"], ["x", "x"]], "x") == 3
? count_marks([["o"]], "x") == 0
~ count_marks: marks_on cells_with mark_total | board: grid field | mark: sign piece

> return the values with each one doubled
def doubled(amounts):
    result = []
    for a in amounts:
        result.append(a * 2)
    return result
? doubled([1, 5]) == [2, 10]
? doubled([]) == []
~ doubled: twice_each double_doses times_two | amounts: doses spoons

> find the position of target in a sorted list by halving, or -1
def binary_search(xs, target):
    low, high = 0, len(xs) - 1
    while low <= high:
        mid = (low + high) // 2
        if xs[mid] == target:
            return mid
        if xs[mid] < target:
            low = mid + 1
        else:
            high = mid - 1
    return -1
? binary_search([1, 3, 5, 7], 7) == 3
? binary_search([1, 3, 5], 1) == 0
? binary_search([2, 4], 3) == -1
? binary_search([9], 9) == 0
~ binary_search: bisect_find halving_search find_sorted | xs: sorted_list pages

> swap the first and the last element
def swap_ends(row):
    row[0], row[-1] = row[-1], row[0]
    return row
? swap_ends([1, 2, 3]) == [3, 2, 1]
? swap_ends(["a", "b"]) == ["b", "a"]
~ swap_ends: switch_ends trade_ends exchange_ends | row: line bench
! row[0], row[-1] = row[-1], row[0] => row[0] = row[-1]; row[-1] = row[0] :: The first value is overwritten before it is moved to the end. :: both ends hold the same element

> return the second smallest of the different values
def runner_up(times):
    ordered = sorted(set(times))
    return ordered[1]
? runner_up([12, 10, 15]) == 12
? runner_up([8, 8, 9]) == 9
~ runner_up: second_best silver second_lowest | times: laps results

> sort the words by length, shortest first
def by_size(words):
    words.sort(key=len)
    return words
? by_size(["plum", "fig", "banana"]) == ["fig", "plum", "banana"]
? by_size(["a"]) == ["a"]
~ by_size: shortest_first length_order sort_short | words: labels fruits

> repeat each element n times
def stretch(items, n):
    result = []
    for item in items:
        for _ in range(n):
            result.append(item)
    return result
? stretch([1, 2], 2) == [1, 1, 2, 2]
? stretch(["a"], 3) == ["a", "a", "a"]
~ stretch: repeat_each multiply_items echo_items | items: notes beads

> count the positive, and the negative numbers
def count_signs(nums):
    plus = 0
    minus = 0
    for n in nums:
        if n > 0:
            plus += 1
        elif n < 0:
            minus += 1
    return plus, minus
? count_signs([1, -2, 3, 0]) == (2, 1)
? count_signs([-1]) == (0, 1)
~ count_signs: plus_minus sign_counts ups_and_downs | nums: moves changes

> put a separator between the elements
def add_commas(parts):
    line = ""
    for i in range(len(parts)):
        if i > 0:
            line += ", "
        line += parts[i]
    return line
? add_commas(["a", "b", "c"]) == "a, b, c"
? add_commas(["x"]) == "x"
~ add_commas: comma_line list_text spoken_list | parts: words items

> return the length of the longest streak of wins
def best_streak(results):
    best = 0
    streak = 0
    for r in results:
        if r == "win":
            streak += 1
            best = max(best, streak)
        else:
            streak = 0
    return best
? best_streak(["win", "win", "loss", "win"]) == 2
? best_streak(["loss"]) == 0
? best_streak(["win", "loss", "win", "win"]) == 2
~ best_streak: win_streak longest_run hot_streak | results: games matches
! streak = 0\n    for => streak = 1\n    for :: The streak starts at 1, but no game is won yet; it must be 0. :: one win too many is counted
! else:\n            streak = 0 => else:\n            best = 0 :: A loss has to end the streak, not the best one. ::

> take the items from the list until the bag is full and return them
def fill_bag(weights, limit):
    bag = []
    total = 0
    for w in weights:
        if total + w > limit:
            break
        bag.append(w)
        total += w
    return bag
? fill_bag([3, 4, 5], 8) == [3, 4]
? fill_bag([3, 5], 8) == [3, 5]
? fill_bag([9], 8) == []
~ fill_bag: load_van pack_until fill_box | weights: items loads | limit: room capacity

> return all but the n newest entries
def older_entries(log, n):
    return log[:len(log) - n]
? older_entries([1, 2, 3, 4], 1) == [1, 2, 3]
? older_entries([1, 2], 0) == [1, 2]
~ older_entries: drop_newest trim_log archive_part | log: entries diary | n: keep count

> number the steps, starting with 1
def numbered(steps):
    lines = []
    for i, step in enumerate(steps, 1):
        lines.append(f"{i}) {step}")
    return lines
? numbered(["mix", "bake"]) == ["1) mix", "2) bake"]
? numbered([]) == []
~ numbered: step_lines count_lines with_numbers | steps: tasks actions

> say whether the list has two equal elements
def has_twins(xs):
    seen = set()
    for x in xs:
        if x in seen:
            return True
        seen.add(x)
    return False
? has_twins([1, 2, 1]) is True
? has_twins([1, 2, 3]) is False
~ has_twins: any_repeat repeats_found has_duplicate | xs: tickets codes

> drop repeated readings that follow each other
def squash_repeats(readings):
    result = []
    for r in readings:
        if not result or result[-1] != r:
            result.append(r)
    return result
? squash_repeats([1, 1, 2, 1, 1]) == [1, 2, 1]
? squash_repeats([]) == []
~ squash_repeats: no_echo merge_equal thin_out | readings: values samples

> return the total price of the items in the cart
def cart_total(cart):
    total = 0
    for item in cart:
        total += item["price"] * item["qty"]
    return total
? cart_total([{"price": 5, "qty": 2}, {"price": 1, "qty": 3}]) == 13
? cart_total([]) == 0
~ cart_total: basket_price order_sum bill_total | cart: order basket

> put the two lists together by taking from each in turn
def take_turns(a, b):
    mixed = []
    for i in range(len(a)):
        mixed.append(a[i])
        mixed.append(b[i])
    return mixed
? take_turns([1, 3], [2, 4]) == [1, 2, 3, 4]
? take_turns([], []) == []
~ take_turns: zipper alternate_lists braid | a: left reds | b: right blues

> merge two sorted lists into one sorted list
def merge_sorted(a, b):
    merged = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            merged.append(a[i])
            i += 1
        else:
            merged.append(b[j])
            j += 1
    return merged + a[i:] + b[j:]
? merge_sorted([1, 4], [2, 3, 5]) == [1, 2, 3, 4, 5]
? merge_sorted([], [1]) == [1]
? merge_sorted([2], [1]) == [1, 2]
~ merge_sorted: join_sorted combine_queues merge_lanes

> sort the list by swapping neighbours
def bubble_sort(xs):
    xs = list(xs)
    for i in range(len(xs)):
        for j in range(len(xs) - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
    return xs
? bubble_sort([3, 1, 2]) == [1, 2, 3]
? bubble_sort([1]) == [1]
? bubble_sort([4, 3, 2, 1]) == [1, 2, 3, 4]
~ bubble_sort: swap_sort simple_sort line_sort

> say whether the rainfall stayed under the limit on all days
def stays_dry(days, limit):
    return all(d < limit for d in days)
? stays_dry([1, 2], 3) is True
? stays_dry([1, 3], 3) is False
? stays_dry([5, 1], 3) is False
~ stays_dry: under_limit all_below calm_week | days: rain values | limit: most cap

> return the first element that is longer than n letters, or None
def first_longer(words, n):
    for word in words:
        if len(word) > n:
            return word
    return None
? first_longer(["hi", "hello", "goodbye"], 3) == "hello"
? first_longer(["a", "be"], 3) is None
? first_longer(["abc"], 3) is None
~ first_longer: find_long pick_word long_word | words: tags labels | n: length least

> subtract the smallest value from all the others
def from_zero(values):
    low = min(values)
    return [v - low for v in values]
? from_zero([5, 3, 9]) == [2, 0, 6]
? from_zero([4]) == [0]
~ from_zero: rebase shift_down relative | values: levels marks

> count the pairs of elements that add up to the target
def count_pairs(nums, target):
    count = 0
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            if nums[i] + nums[j] == target:
                count += 1
    return count
? count_pairs([1, 2, 3, 4], 5) == 2
? count_pairs([5, 5], 10) == 1
? count_pairs([5], 10) == 0
~ count_pairs: pairs_with_sum matching_pairs sum_partners | nums: coins weights | target: goal wanted

> return the distance travelled along the stops
def route_length(stops):
    total = 0
    for a, b in zip(stops, stops[1:]):
        total += abs(b - a)
    return total
? route_length([0, 5, 3]) == 7
? route_length([4]) == 0
~ route_length: trip_distance path_length travel | stops: points marks

> say whether target lies in the sorted list of ranges
def in_ranges(ranges, target):
    for low, high in ranges:
        if low <= target <= high:
            return True
    return False
? in_ranges([(1, 3), (7, 9)], 8) is True
? in_ranges([(1, 3)], 3) is True
? in_ranges([(1, 3)], 1) is True
? in_ranges([(1, 3)], 5) is False
~ in_ranges: covered falls_in is_booked | ranges: spans slots | target: day value

> yield the items two at a time
def pairs_of(items):
    for i in range(0, len(items) - 1, 2):
        yield items[i], items[i + 1]
? list(pairs_of([1, 2, 3, 4])) == [(1, 2), (3, 4)]
? list(pairs_of([1])) == []
~ pairs_of: two_by_two couples duos | items: shoes dancers

> yield the elements from the last to the first
def from_the_end(items):
    for i in range(len(items) - 1, -1, -1):
        yield items[i]
? list(from_the_end([1, 2, 3])) == [3, 2, 1]
? list(from_the_end([])) == []
~ from_the_end: reversed_items last_first walk_back | items: pages cars

> put the smaller of the two neighbours into a new list
def lower_of_pairs(xs):
    return [min(xs[i], xs[i + 1]) for i in range(len(xs) - 1)]
? lower_of_pairs([3, 1, 2]) == [1, 1]
? lower_of_pairs([4]) == []
~ lower_of_pairs: pair_minimum valley_list lower_neighbours | xs: hills levels

> return the elements at the given positions
def pick_positions(row, places):
    return [row[p] for p in places]
? pick_positions(["a", "b", "c"], [0, 2]) == ["a", "c"]
? pick_positions([5, 6], [1]) == [6]
~ pick_positions: choose_at select_seats pick_out | row: shelf seats | places: spots indexes

> count the mornings on which the temperature was between low and high
def mild_days(temps, low, high):
    return sum(1 for t in temps if low <= t <= high)
? mild_days([5, 12, 18, 25], 10, 20) == 2
? mild_days([10, 20], 10, 20) == 2
? mild_days([9, 21], 10, 20) == 0
~ mild_days: days_between nice_days in_band | temps: degrees readings

> give each name its place in the race
def places(names: list[str]) -> dict[str, int]:
    result = {}
    for i, name in enumerate(names):
        result[name] = i + 1
    return result
? places(["Ann", "Bo"]) == {"Ann": 1, "Bo": 2}
? places([]) == {}
~ places: rank_names race_places finish_order | names: runners riders

> return the elements that are larger than the one before them
def rises(values: list[int]) -> list[int]:
    result = []
    for i in range(1, len(values)):
        if values[i] > values[i - 1]:
            result.append(values[i])
    return result
? rises([1, 3, 2, 4]) == [3, 4]
? rises([5, 5]) == []
~ rises: step_ups gains upward | values: prices heights

> return the total of the bills that are not paid yet
def open_amount(bills: list[dict]) -> int:
    total = 0
    for bill in bills:
        if not bill["paid"]:
            total += bill["amount"]
    return total
? open_amount([{"paid": False, "amount": 5}, {"paid": True, "amount": 7}]) == 5
? open_amount([{"paid": False, "amount": 2}, {"paid": False, "amount": 3}]) == 5
~ open_amount: unpaid_total still_owed due_sum | bills: invoices debts | bill: invoice debt
'''
