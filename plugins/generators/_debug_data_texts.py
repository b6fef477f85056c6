"""Programs on texts and dictionaries for training. The form is described in ``_debug_programs.py``."""

PROGRAMS = r'''
> count the spaces in the line
def count_spaces(line):
    count = 0
    for ch in line:
        if ch == " ":
            count += 1
    return count
? count_spaces("a b c") == 2
? count_spaces("abc") == 0
~ count_spaces: blanks_in space_total gaps_in_line | line: row sentence

> return the first letter of each line
def first_letters(lines):
    letters = ""
    for line in lines:
        letters += line[0]
    return letters
? first_letters(["hot", "old", "tea"]) == "hot"
? first_letters([]) == ""
~ first_letters: acrostic line_starts heads | lines: verses rows

> write the name in title form without spaces and dots around it
def clean_name(name):
    name = name.strip(" .")
    return name.title()
? clean_name("  ada. ") == "Ada"
? clean_name("bo li") == "Bo Li"
~ clean_name: neat_name fix_name proper_name | name: raw entry

> say whether the answer means yes, whatever its capitals
def is_yes(answer):
    return answer.strip().lower() == "yes"
? is_yes("Yes ") is True
? is_yes("yes") is True
? is_yes("no") is False
~ is_yes: agreed said_yes confirms | answer: reply text

> say whether the word starts and ends with the same letter
def same_ends(word):
    return word[0] == word[-1]
? same_ends("level") is True
? same_ends("area") is True
? same_ends("tree") is False
~ same_ends: ends_match round_word closed_word | word: text name

> write the seconds as minutes and seconds such as 3:07
def clock_text(seconds):
    minutes = seconds // 60
    rest = seconds % 60
    return f"{minutes}:{rest:02d}"
? clock_text(187) == "3:07"
? clock_text(60) == "1:00"
? clock_text(75) == "1:15"
~ clock_text: as_minutes song_length timer_text | seconds: secs length

> write the price with two decimals and the currency
def price_label(price, currency):
    return f"{price:.2f} {currency}"
? price_label(3.5, "EUR") == "3.50 EUR"
? price_label(10, "USD") == "10.00 USD"
~ price_label: show_price money_text cost_label | price: amount cost

> write how old the person is
def age_text(name, age):
    return name + " is " + str(age)
? age_text("Ida", 4) == "Ida is 4"
? age_text("Max", 61) == "Max is 61"
~ age_text: birthday_line card_line age_note | name: person child | age: years n

> return the user name from an e-mail address
def user_part(address):
    at = address.index("@")
    return address[:at]
? user_part("ida@home.org") == "ida"
? user_part("x@y.z") == "x"
~ user_part: mail_user local_part before_at | address: mail email | at: pos cut

> return the domain of an e-mail address
def mail_domain(address):
    at = address.index("@")
    return address[at + 1:]
? mail_domain("ida@home.org") == "home.org"
? mail_domain("x@y.z") == "y.z"
~ mail_domain: host_part after_at provider | address: mail email | at: pos cut

> shorten the text to n letters and add dots, if it is longer
def shorten(text, n):
    if len(text) > n:
        return text[:n] + "..."
    return text
? shorten("strawberry", 5) == "straw..."
? shorten("fig", 5) == "fig"
? shorten("mango", 5) == "mango"
~ shorten: clip_text preview teaser | text: title note | n: limit size

> write the words with dashes and in lower case
def slug(title):
    return "-".join(title.lower().split())
? slug("My First Post") == "my-first-post"
? slug("Hello") == "hello"
~ slug: url_part file_slug dashed | title: heading text

> count how often each letter occurs
def letter_counts(word):
    counts = {}
    for ch in word:
        counts[ch] = counts.get(ch, 0) + 1
    return counts
? letter_counts("noon") == {"n": 2, "o": 2}
? letter_counts("") == {}
~ letter_counts: char_freq char_table count_chars | word: text name

> count the votes for each name
def count_votes(votes):
    tally = {}
    for name in votes:
        if name not in tally:
            tally[name] = 0
        tally[name] = tally[name] + 1
    return tally
? count_votes(["Al", "Bo", "Al"]) == {"Al": 2, "Bo": 1}
? count_votes([]) == {}
~ count_votes: vote_table tally_up poll_result | votes: ballots picks

> group the words by their first letter
def by_first_letter(words):
    groups = {}
    for word in words:
        groups.setdefault(word[0], []).append(word)
    return groups
? by_first_letter(["ant", "bee", "ape"]) == {"a": ["ant", "ape"], "b": ["bee"]}
? by_first_letter([]) == {}
~ by_first_letter: index_words letter_groups dictionary_tabs | words: animals entries

> return how many pieces of the item are missing to ten
def to_order(stock, item):
    return 10 - stock.get(item, 0)
? to_order({"nut": 7}, "nut") == 3
? to_order({"nut": 7}, "bolt") == 10
~ to_order: short_of pieces_needed refill | stock: store shelf

> take n pieces from the stock and return what is left of the item
def take_out(stock, item, n):
    stock[item] -= n
    return stock[item]
? take_out({"nut": 7}, "nut", 2) == 5
? take_out({"nut": 7}, "nut", 7) == 0
~ take_out: withdraw use_up sell | stock: store shelf

> swap the keys and the values
def swap_keys(table):
    result = {}
    for key, value in table.items():
        result[value] = key
    return result
? swap_keys({"a": 1, "b": 2}) == {1: "a", 2: "b"}
? swap_keys({}) == {}
~ swap_keys: turn_dict reverse_map flip_dict | table: codes mapping

> return the name with the highest score
def top_player(scores):
    best = None
    for name in scores:
        if best is None or scores[name] > scores[best]:
            best = name
    return best
? top_player({"Al": 3, "Bo": 8}) == "Bo"
? top_player({"Cy": 5, "Di": 2}) == "Cy"
? top_player({}) is None
~ top_player: leader best_name champion | scores: points table

> return the names of those who have at least the given age
def old_enough(people, age):
    names = []
    for name, years in people.items():
        if years >= age:
            names.append(name)
    return names
? old_enough({"Al": 17, "Bo": 18}, 18) == ["Bo"]
? old_enough({"Cy": 40}, 18) == ["Cy"]
~ old_enough: allowed_in adults_of age_check | people: guests members | age: least limit

> add the scores of the two dictionaries
def add_scores(first, second):
    total = dict(first)
    for name, points in second.items():
        total[name] = total.get(name, 0) + points
    return total
? add_scores({"a": 1}, {"a": 2, "b": 3}) == {"a": 3, "b": 3}
? d = {"a": 1}; add_scores(d, {"a": 2}); d == {"a": 1}
~ add_scores: combine_points sum_scores join_tables | first: round_one home | second: round_two away

> delete all products that are sold out
def drop_sold_out(stock):
    for name in list(stock):
        if stock[name] < 1:
            del stock[name]
    return stock
? drop_sold_out({"pen": 0, "ink": 3}) == {"ink": 3}
? drop_sold_out({"cap": 2}) == {"cap": 2}
~ drop_sold_out: clean_stock remove_empty on_hand | stock: shop shelf

> read a line such as 'width=30' into its key and number
def read_setting(line):
    key, value = line.split("=")
    return key.strip(), int(value)
? read_setting("width=30") == ("width", 30)
? read_setting("x = 4") == ("x", 4)
~ read_setting: parse_line option_of key_and_value | line: text row

> read the numbers of a comma separated line
def read_numbers(line):
    return [int(part) for part in line.split(",")]
? read_numbers("3,5,8") == [3, 5, 8]
? read_numbers("7") == [7]
~ read_numbers: parse_row numbers_in csv_ints | line: row text

> add up the numbers in a line such as '3+4+5'
def add_line(line):
    total = 0
    for part in line.split("+"):
        total += int(part)
    return total
? add_line("3+4+5") == 12
? add_line("9") == 9
~ add_line: plus_line sum_text evaluate_plus | line: term text

> return the text between the first pair of brackets
def in_brackets(text):
    start = text.index("(")
    end = text.index(")")
    return text[start + 1:end]
? in_brackets("tea (green) hot") == "green"
? in_brackets("(a)") == "a"
~ in_brackets: bracket_text inside remark | text: line label

> count the words of the sentence
def word_count(sentence):
    return len(sentence.split())
? word_count("we go home") == 3
? word_count("") == 0
? word_count("a  b") == 2
~ word_count: how_many_words words_in length_in_words | sentence: text line

> return the words in the opposite order
def turn_words(sentence):
    words = sentence.split()
    words.reverse()
    return " ".join(words)
? turn_words("one two three") == "three two one"
? turn_words("hi") == "hi"
~ turn_words: back_to_front words_backwards yoda | sentence: text line

> say whether the password has a digit and at least 8 characters
def good_password(pw):
    has_digit = any(ch.isdigit() for ch in pw)
    return len(pw) >= 8 and has_digit
? good_password("secret42") is True
? good_password("secret12345") is True
? good_password("a1") is False
? good_password("longerword") is False
~ good_password: pw_ok safe_enough check_pw | pw: password secret

> replace every digit with a hash sign
def hide_digits(text):
    result = ""
    for ch in text:
        if ch.isdigit():
            result += "#"
        else:
            result += ch
    return result
? hide_digits("room 12") == "room ##"
? hide_digits("abc") == "abc"
~ hide_digits: blank_digits no_numbers redact | text: note line

> put the sign between the letters
def spread(word, sign):
    return sign.join(word)
? spread("abc", "-") == "a-b-c"
? spread("hi", ".") == "h.i"
~ spread: spaced_out letter_line dotted | word: text name | sign: sep mark
! sign.join(word) => word.join(sign) :: `join` belongs to the separator, so it is `sign.join(word)`. :: separator and word are mixed up

> say how many apples there are, with the right plural
def apples(n):
    if n == 1:
        return "1 apple"
    return f"{n} apples"
? apples(1) == "1 apple"
? apples(3) == "3 apples"
? apples(0) == "0 apples"
~ apples: count_text apple_line basket_text

> write the name and the hour's greeting
def hello_at(name, hour):
    if hour < 12:
        word = "Good morning"
    else:
        word = "Good evening"
    return f"{word}, {name}"
? hello_at("Ida", 8) == "Good morning, Ida"
? hello_at("Bo", 12) == "Good evening, Bo"
? hello_at("Bo", 19) == "Good evening, Bo"
~ hello_at: greeting say_hello welcome_text | name: guest user

> return the last word of the sentence
def last_word(sentence):
    words = sentence.split()
    return words[-1]
? last_word("see you soon") == "soon"
? last_word("yes") == "yes"
~ last_word: final_word end_word closing | sentence: text line

> repeat the word n times with spaces between
def say_again(word, n):
    return " ".join([word] * n)
? say_again("go", 3) == "go go go"
? say_again("ho", 1) == "ho"
~ say_again: chant repeat_word cheer | word: text call | n: times count

> count the lines that contain the word
def lines_with(lines, word):
    count = 0
    for line in lines:
        if word in line:
            count += 1
    return count
? lines_with(["red cup", "tin", "cup"], "cup") == 2
? lines_with([], "cup") == 0
~ lines_with: grep_count hits_for mentions | lines: rows entries | word: term needle

> return the file name without its ending
def bare_name(filename):
    dot = filename.rfind(".")
    return filename[:dot]
? bare_name("photo.old.jpg") == "photo.old"
? bare_name("a.txt") == "a"
~ bare_name: without_ending stem_of plain_name | filename: path file | dot: cut pos

> say whether the file is a picture
def is_picture(filename):
    name = filename.lower()
    return name.endswith(".jpg") or name.endswith(".png")
? is_picture("a.PNG") is True
? is_picture("b.jpg") is True
? is_picture("c.txt") is False
~ is_picture: is_image picture_file can_show | filename: path file

> return all files that end with the given ending
def files_with(files, ending):
    return [f for f in files if f.endswith(ending)]
? files_with(["a.py", "b.txt"], ".py") == ["a.py"]
? files_with([], ".py") == []
~ files_with: only_ending filter_files pick_files | files: paths names | ending: suffix ext

> return the title with the first letter as a capital and the rest as it is
def capital_first(text):
    return text[0].upper() + text[1:]
? capital_first("big Ben") == "Big Ben"
? capital_first("a") == "A"
~ capital_first: big_start upper_first start_big | text: title name

> write the initials of first and last name with dots
def short_sign(first, last):
    return first[0] + "." + last[0] + "."
? short_sign("Ada", "Byron") == "A.B."
? short_sign("Li", "Wu") == "L.W."
~ short_sign: sign_off monogram name_sign | first: given | last: family surname

> center the word in a line of stars of the given width
def banner(word, width):
    space = width - len(word)
    left = space // 2
    right = space - left
    return "*" * left + word + "*" * right
? banner("hi", 6) == "**hi**"
? banner("abc", 6) == "*abc**"
~ banner: star_line framed headline | word: title text | width: size n

> draw a bar of n hash signs and blanks up to the given width
def bar(n, width):
    return "#" * n + " " * (width - n)
? bar(2, 5) == "##   "
? bar(3, 3) == "###"
~ bar: progress_bar level_bar gauge | n: done filled | width: full size

> count upper case letters
def count_capitals(text):
    return sum(1 for ch in text if ch.isupper())
? count_capitals("Hello World") == 2
? count_capitals("abc") == 0
~ count_capitals: big_letters caps_in upper_count | text: line title

> say whether both words have the same letters in any order
def same_letters(a, b):
    return sorted(a.lower()) == sorted(b.lower())
? same_letters("Listen", "silent") is True
? same_letters("abb", "aab") is False
? same_letters("Ab", "bA") is True
~ same_letters: letters_match shuffle_of word_twins

> decode a run such as [('a', 3), ('b', 1)] into 'aaab'
def decode_runs(runs):
    text = ""
    for letter, n in runs:
        text += letter * n
    return text
? decode_runs([("a", 3), ("b", 1)]) == "aaab"
? decode_runs([]) == ""
~ decode_runs: expand unpack_runs blow_up | runs: pairs blocks | letter: sign char

> return the words that are longer than three letters
def long_words(text):
    return [w for w in text.split() if len(w) > 3]
? long_words("we like warm tea") == ["like", "warm"]
? long_words("a be sea") == []
~ long_words: big_words keep_long main_words | text: line sentence

> join the path parts with slashes
def join_path(parts):
    return "/".join(parts)
? join_path(["home", "ida", "notes"]) == "home/ida/notes"
? join_path(["a"]) == "a"
~ join_path: make_path folder_path slash_join | parts: folders steps

> write the date as day.month.year with two digits
def date_text(year, month, day):
    return f"{day:02d}.{month:02d}.{year}"
? date_text(2024, 3, 9) == "09.03.2024"
? date_text(1999, 11, 25) == "25.11.1999"
~ date_text: german_date day_first show_date

> read a date such as '2024-03-09' into year, month and day
def read_date(text):
    year, month, day = text.split("-")
    return int(year), int(month), int(day)
? read_date("2024-03-09") == (2024, 3, 9)
? read_date("1999-12-31") == (1999, 12, 31)
~ read_date: parse_date date_parts split_date | text: iso stamp

> turn 'HH:MM' into minutes since midnight
def minutes_of(clock):
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
? minutes_of("02:30") == 150
? minutes_of("00:05") == 5
~ minutes_of: since_midnight day_minutes clock_minutes | clock: time hhmm

> translate each word that the dictionary knows and keep the others
def translate(text, words):
    result = []
    for w in text.split():
        result.append(words.get(w, w))
    return " ".join(result)
? translate("the cat", {"cat": "Katze"}) == "the Katze"
? translate("a", {}) == "a"
~ translate: word_swap gloss in_german | text: line sentence | words: lexicon table

> return the most frequent letter of the word
def common_letter(word):
    best = word[0]
    for ch in word:
        if word.count(ch) > word.count(best):
            best = ch
    return best
? common_letter("abbcb") == "b"
? common_letter("xyz") == "x"
~ common_letter: favourite_letter top_letter main_letter | word: text name

> remove the given letter everywhere
def without_letter(word, letter):
    result = ""
    for ch in word:
        if ch != letter:
            result += ch
    return result
? without_letter("banana", "a") == "bnn"
? without_letter("kiwi", "x") == "kiwi"
~ without_letter: strike_out remove_char skip_letter | word: text name | letter: char sign

> put the headers and the row together into a dictionary
def make_record(headers, row):
    record = {}
    for i in range(len(headers)):
        record[headers[i]] = row[i]
    return record
? make_record(["id", "name"], [7, "Ida"]) == {"id": 7, "name": "Ida"}
? make_record([], []) == {}
~ make_record: as_record row_dict label_row | headers: keys fields | row: values cells

> return the phone number with the code of the country
def full_number(number, code="+44"):
    return code + number.lstrip("0")
? full_number("0201") == "+44201"
? full_number("0201", "+49") == "+49201"
~ full_number: dial_text phone_text with_code | number: phone local

> look up the capital and say unknown for other countries
def capital_of(country, capitals):
    if country in capitals:
        return capitals[country]
    return "unknown"
? capital_of("Peru", {"Peru": "Lima"}) == "Lima"
? capital_of("Chad", {"Peru": "Lima"}) == "unknown"
~ capital_of: find_capital look_up city_of | country: land key | capitals: table cities

> encode the text by moving each lower case letter by k
def caesar(text, k):
    result = ""
    for ch in text:
        if ch.isalpha():
            result += chr((ord(ch) - 97 + k) % 26 + 97)
        else:
            result += ch
    return result
? caesar("abz", 1) == "bca"
? caesar("a b", 2) == "c d"
~ caesar: secret_text move_letters cipher | text: message line | k: by offset

> write each product with its price on a line
def price_list(prices):
    lines = []
    for name, price in prices.items():
        lines.append(f"{name}: {price}")
    return "\n".join(lines)
? price_list({"tea": 2, "jam": 3}) == "tea: 2\njam: 3"
? price_list({}) == ""
~ price_list: menu_text show_menu price_lines | prices: menu items

> return the keys sorted by their value, highest first
def standings(points):
    return sorted(points, key=points.get, reverse=True)
? standings({"Al": 2, "Bo": 9, "Cy": 5}) == ["Bo", "Cy", "Al"]
? standings({}) == []
~ standings: points_order league winners_first | points: scores table

> sum the values of all keys that start with the prefix
def prefix_sum(table, prefix):
    total = 0
    for key, value in table.items():
        if key.startswith(prefix):
            total += value
    return total
? prefix_sum({"ab": 1, "ac": 2, "b": 4}, "a") == 3
? prefix_sum({}, "a") == 0
~ prefix_sum: sum_under total_for group_sum | table: costs sizes | prefix: start head

> count the vocabulary of the text without regard to capitals
def vocabulary(text):
    words = set()
    for w in text.lower().split():
        words.add(w)
    return len(words)
? vocabulary("The cat the dog") == 3
? vocabulary("") == 0
~ vocabulary: word_variety different_words lexicon_size | text: story line

> remove the comment after the # sign and spaces at the end
def strip_comment(line):
    return line.split("#")[0].rstrip()
? strip_comment("x = 1  # one") == "x = 1"
? strip_comment("go") == "go"
~ strip_comment: no_comment code_part before_hash | line: row text

> say whether the text is a whole number
def is_number(text: str) -> bool:
    if text.startswith("-"):
        text = text[1:]
    return text.isdigit()
? is_number("-12") is True
? is_number("7") is True
? is_number("4a") is False
~ is_number: looks_numeric whole_number can_be_int | text: entry word

> replace tabs with the given number of spaces
def untab(line: str, size: int = 4) -> str:
    return line.replace("\t", " " * size)
? untab("a\tb") == "a    b"
? untab("\tx", 2) == "  x"
~ untab: tabs_to_spaces expand_tabs no_tabs | line: row code

> count the lines of code that are not blank
def code_lines(source: str) -> int:
    count = 0
    for line in source.split("\n"):
        if line.strip():
            count += 1
    return count
? code_lines("a\n\nb\n  ") == 2
? code_lines("") == 0
~ code_lines: line_total loc count_code | source: program text

> return the domain names that were visited more than once
def repeat_visits(visits: list[str]) -> list[str]:
    counts = {}
    for site in visits:
        counts[site] = counts.get(site, 0) + 1
    return [site for site in counts if counts[site] > 1]
? repeat_visits(["a.org", "b.org", "a.org"]) == ["a.org"]
? repeat_visits(["x.org"]) == []
~ repeat_visits: seen_twice returning visited_again | visits: sites hits | site: page url
'''
