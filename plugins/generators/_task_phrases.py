"""Wording and values of the ``task`` generator: those of training first, those of measurement second in each pair."""

from __future__ import annotations

NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve")

_CITIES = (
    "Bath Bergen Bilbao Bonn Boston Bruges Cardiff Chester Cork Dover Dublin Durham Exeter Florence Geneva Ghent "
    "Glasgow Granada Hamburg Kyoto Leipzig Lille Lyon Malmö Naples Nice Norwich Odense Ottawa Oxford Porto Prague "
    "Riga Salzburg Seville Tallinn Toledo Turin Utrecht Vienna"
)
_OTHER_CITIES = (
    "Aarhus Belfast Cadiz Dundee Graz Halifax Inverness Krakow Lucerne Nantes Ostend Pisa Rouen Swansea Trieste Zagreb"
)
_PEOPLE = (
    "Ada Ahmed Alma Amir Anna Ben Bianca Carla Chen Clara David Elena Emil Farid Fatima Finn Grace Hanna Hugo "
    "Ines Ivan Jonas Karim Kofi Lena Leo Lucia Marta Mei Mila Nadia Nina Noah Omar Oscar Paula Pedro Rosa Samira "
    "Tom Vera Yusuf Zoe"
)
_OTHER_PEOPLE = (
    "Agnes Bruno Cleo Dilan Edith Felix Gita Henrik Irma Jamal Kirsten Luis Maude Nils Olga Piotr Selma Wilma"
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_MONTHS = "January February March April May June July August September October November December"

# Values by slot.
POOLS = {
    "city": (_CITIES, _OTHER_CITIES),
    "person": (_PEOPLE, _OTHER_PEOPLE),
    "weekday": (_DAYS, _DAYS),
    "month": (_MONTHS, _MONTHS),
}
POOL_NUMBERS = (
    ("four", "five", "six", "seven", "eight", "ten", "twelve", "15", "20"),
    ("three", "nine", "eleven", "14", "18"),
)

# Helpers as the user and as the answer name them; the last is the key.
HELPERS = (
    (
        "my brother|your brother|brother",
        "my sister|your sister|sister",
        "my neighbour|your neighbour|neighbour",
        "my son|your son|son",
        "my daughter|your daughter|daughter",
        "a friend|a friend|friend",
        "my dad|your dad|dad",
        "two colleagues|two colleagues|colleagues",
        "my partner|your partner|partner",
        "my cousin|your cousin|cousin",
    ),
    (
        "my uncle|your uncle|uncle",
        "my flatmate|your flatmate|flatmate",
        "an intern|an intern|intern",
        "my godmother|your godmother|godmother",
        "a schoolmate|a schoolmate|schoolmate",
    ),
)

# Limits as the answer writes them, and their key; the user's form is the first.
DEADLINES = (
    (
        "before {weekday}|before {weekday}|{weekday}",
        "by {weekday}|by {weekday}|{weekday}",
        "before {hour} o'clock|before {hour} o'clock|{hour}",
        "by {clock} pm|by {clock} pm|{clock} pm",
        "before the end of {month}|before the end of {month}|{month}",
        "before noon|before noon|noon",
        "by tomorrow evening|by tomorrow evening|tomorrow",
        "this {weekday}|this {weekday}|{weekday}",
        "before the holidays|before the holidays|holidays",
        "by the {day}th|by the {day}th|{day}th",
        "before {weekday} noon|before {weekday} noon|{weekday} noon",
    ),
    (
        "no later than {weekday}|by {weekday}|{weekday}",
        "until {weekday} night|by {weekday} night|{weekday} night",
        "at the latest in {month}|in {month}|{month}",
        "by the {day}th of {month}|by the {day}th of {month}|{day}th of {month}",
        "within the week|within the week|week",
    ),
)
HOURS = ("five", "six", "seven", "eight", "nine", "ten")
SUMS = (
    "£20",
    "£30",
    "£45",
    "£60",
    "£80",
    "£120",
    "£150",
    "£200",
    "$25",
    "$40",
    "$70",
    "$100",
    "$300",
    "€15",
    "€35",
    "€50",
    "€90",
    "€250",
    "40 euros",
    "80 dollars",
    "60 pounds",
    "100 francs",
)
MINUTES = (
    ("10", "15", "20", "25", "30", "40", "45", "60", "90", "ten", "twenty", "thirty"),
    ("12", "35", "50", "75", "fifteen", "forty"),
)

# Ways to say a limit: after the goal ("tail") or as a sentence of its own ("say"), in training and for measurement.
TAILS = {
    "when": (("{x}", "{x}"), ("{x}",)),
    "money": (
        (
            "on a budget of {x}",
            "for under {x}",
            "with a budget of {x}",
            "for {x} at most",
            "with just {x}",
            "for less than {x}",
        ),
        ("and spend no more than {x}", "with {x} to spend"),
    ),
    "who": (("with {x}", "together with {x}", "with help from {x}"), ("and {x} lends a hand", "alongside {x}")),
    "mins": (
        ("in {x} minutes", "with {x} minutes to spare", "in {x} min", "with only {x} minutes"),
        ("in under {x} minutes", "with {x} minutes on the clock"),
    ),
    "tool": (
        ("with only {x}", "using just {x}", "with nothing but {x}", "with {x}"),
        ("with no more than {x}", "by means of {x}"),
    ),
    "most": (("in at most {x} steps", "in no more than {x} steps", "in {x} steps at most"), ("in up to {x} steps",)),
    "exact": (("in {x} steps", "in exactly {x} steps", "in only {x} steps", "in just {x} steps"), ("as {x} steps",)),
}
SAYINGS = {
    "when": (
        (
            "It must be done {x}",
            "It has to be ready {x}",
            "This needs to happen {x}",
            "All {x}, please",
            "Deadline: {x}",
        ),
        ("I'd like that settled {x}", "My boss wants it {x}"),
    ),
    "money": (
        (
            "My budget is {x}",
            "I can spend {x} at most",
            "Max {x}",
            "We have {x} in all",
            "It must cost less than {x}",
            "I only have {x}",
            "Budget: {x}",
        ),
        ("More than {x} is not in my purse", "{x} is all there is"),
    ),
    "who": (
        ("{x} will help", "{x} can help me", "I'll do it with {x}", "{x} offered to help"),
        ("{x} joins in", "Let {x} take part"),
    ),
    "mins": (
        (
            "I have {x} minutes",
            "Only {x} minutes",
            "{x} min max",
            "I've got {x} minutes for it",
            "{x} minutes, no more",
        ),
        ("There are {x} minutes left", "{x} minutes must do"),
    ),
    "tool": (
        ("I only have {x}", "All I have is {x}", "I've got {x} and that's it", "There's just {x} in the house"),
        ("My toolbox holds {x} and nothing else", "{x} is what I could borrow"),
    ),
    "most": (
        ("{x} steps at most", "Max {x} steps", "No more than {x} steps please", "Keep it to {x} steps at most"),
        ("Don't go beyond {x} steps", "Not over {x} steps"),
    ),
    "exact": (
        ("{x} steps, please", "Give me {x} steps", "I want exactly {x} steps", "Make it {x} steps", "Just {x} steps"),
        ("The plan should have {x} steps", "{x} steps sharp"),
    ),
    "first": (
        ("Start by {ing}", "First {do}", "Begin by {ing}", "The first step is to {do}", "Start with this: {do}"),
        ("Before anything else, {do}", "Kick it off by {ing}"),
    ),
    "last": (
        ("Finish by {ing}", "End by {ing}", "The last step is to {do}", "At the very end, {do}", "Last of all, {do}"),
        ("Leave this for the close: {do}", "Round it off by {ing}"),
    ),
    "order": (
        (
            "{do} before {ing2}",
            "Before {ing2}, {do}",
            "First {do}, only then {do2}",
            "Don't {do2} until after {ing}",
            "{ing} comes before {ing2}",
        ),
        ("{do2}, but not until you {do}", "{ing2} has to wait for {ing}"),
    ),
}

# Frames of an imperative goal ({do}: "plan a trip", {ing}: "planning a trip").
FRAMES = (
    (
        "{do}",
        "{do}",
        "{do}",
        "{do}",
        "{do}",
        "Help me {do}",
        "I want to {do}",
        "I need to {do}",
        "How do I {do}?",
        "I have to {do}",
        "Please {do}",
        "Can you help me {do}?",
        "I'd like to {do}",
        "Steps for {ing}",
        "What are the steps to {do}?",
        "Make me a plan to {do}",
        "We want to {do}",
        "How should I go about {ing}?",
        "Plan: {do}",
        "{do} for me",
        "Give me a plan for {ing}",
        "My goal: {do}",
        "What's the best order for {ing}?",
        "todo: {do}",
        "Walk me through {ing}",
        "What do I do first to {do}?",
    ),
    (
        "Guide me in {ing}",
        "My task is to {do}",
        "Which steps do I take to {do}?",
        "I was told to {do}",
        "Time to {do}",
        "Any idea how to {do}?",
        "{do}",
        "{do}",
    ),
)
CHAIN_FRAMES = (
    (
        "{list}",
        "{list}",
        "{list}",
        "Please {list}",
        "I need to {list}",
        "Today I must {list}",
        "Can you {list}?",
        "Task: {list}",
        "We have to {list}",
        "{list}, please",
    ),
    ("The job is to {list}", "On my desk: {list}", "{list}"),
)

# Turns of a chat that changes a plan.
CHANGES = (
    (
        "Change of plan: {x}.",
        "Actually, {x}.",
        "One thing I forgot: {x}.",
        "Redo it, please: {x}.",
        "Hm, {x}. New plan please.",
        "Wait, {x}.",
        "Update it: {x}.",
        "{x}. Change the plan.",
        "Good, but {x}.",
        "{x}, so adapt it.",
    ),
    ("There is news: {x}.", "Rework it, since {x}.", "It turns out that {x}."),
)
REMAINING = (
    (
        "{done} done. What's left?",
        "{done} done. What remains?",
        "{done} finished, what now?",
        "OK, {done} done. And next?",
        "{done} behind me. Only the rest, please.",
        "{done} done already, so leave them out.",
    ),
    ("I got through {list}. Which ones are missing?", "Cross out {list} and show me the others."),
)
SHORTER = (
    (
        "Too long. Make it {x} steps.",
        "Shorten it to {x} steps.",
        "Only {x} steps, please.",
        "Can you do that in {x} steps?",
        "{x} steps are enough.",
    ),
    ("Trim it down to {x} steps.", "Squeeze that into {x} steps."),
)
ADDED = (
    (
        "Add one step: {do}.",
        "Also {do}.",
        "You forgot something: {do}.",
        "I also want to {do}. Put it in.",
        "Please add that I {do}.",
        "Good. And where do I {do}?",
    ),
    ("Fit this in as well: {do}.", "There's one more thing to do: {do}."),
)
DROPPED = (
    ("Leave out {ing}.", "Skip {ing}.", "I won't {do}. Drop that.", "No need to {do}.", "Without {ing}, please."),
    ("Strike {ing} from it.", "{ing} is unnecessary after all."),
)

# The questions that an answer asks back, by limit.
QUESTIONS = {
    "when": ("when must it be done", "what is the deadline", "until when"),
    "money": ("how much may it cost", "what is your budget", "how much can you spend"),
    "who": ("who helps you", "is anybody helping you"),
    "mins": ("how many minutes do you have", "how much time is there"),
    "tool": ("which tools do you have", "what tool is at hand"),
}
BRIEF = {
    "when": ("{x}", "it must be done {x}"),
    "money": ("{x} at most", "{x}", "max {x}"),
    "who": ("{x} helps", "{x} will help"),
    "mins": ("{x} minutes", "only {x} minutes"),
    "tool": ("just {x}", "I only have {x}"),
}
