"""Words of the puzzles of ``thinking`` that are solved without arithmetic. In a pair, the second part is held out."""

from __future__ import annotations

# Comparative of the first in an order and of the last, superlatives of both, and what is compared; {A} is before {B}.
ORDERS = (
    (
        ("taller", "shorter", "tallest", "shortest", "people"), ("older", "younger", "oldest", "youngest", "people"),
        ("faster", "slower", "fastest", "slowest", "people"), ("heavier", "lighter", "heaviest", "lightest", "parcels"),
        ("higher", "lower", "highest", "lowest", "hills"), ("bigger", "smaller", "biggest", "smallest", "boxes"),
        ("stronger", "weaker", "strongest", "weakest", "people"), ("longer", "shorter", "longest", "shortest", "ropes"),
        ("cheaper", "dearer", "cheapest", "dearest", "shops"), ("warmer", "colder", "warmest", "coldest", "towns"),
    ),
    (
        ("quicker", "slower", "quickest", "slowest", "people"), ("deeper", "shallower", "deepest", "shallowest",
         "lakes"),
        ("louder", "quieter", "loudest", "quietest", "people"), ("brighter", "dimmer", "brightest", "dimmest", "lamps"),
    ),
)  # fmt: skip
THINGS = {
    "parcels": ("the red parcel", "the green parcel", "the blue parcel", "the white parcel", "the black parcel"),
    "boxes": ("the tin box", "the wooden box", "the paper box", "the glass box", "the iron box"),
    "hills": ("Mount Arda", "Mount Selm", "Mount Korr", "Mount Tavi", "Mount Ilo"),
    "ropes": ("the hemp rope", "the nylon rope", "the cotton rope", "the silk rope"),
    "shops": ("Bexley Foods", "Corner Mart", "Daily Basket", "Green Grocer"),
    "towns": ("Ashford", "Milton", "Norwick", "Redhill", "Stanmore"),
    "lakes": ("Lake Orin", "Lake Pell", "Lake Quaid", "Lake Runa", "Lake Soll"),
    "lamps": ("the desk lamp", "the floor lamp", "the hall lamp", "the porch lamp"),
}
RACES = (
    ("{A} finished before {B}.", "{B} finished after {A}.", "{A} came in ahead of {B}.", "{B} arrived later than {A}."),
    ("{A} crossed the line earlier than {B}.", "{B} got there after {A}."),
)
RACE_ASKS = (
    ("Who was first?", "Who came in last?", "Who won?", "Who finished last?"),
    ("Who reached the goal first of all?", "Who was the very last?"),
)
# Order questions: {most}, {least} superlatives; {group} what is compared.
ASKS = (
    ("Who is the {best}?", "Which of them is the {best}?", "So who's the {best}?", "Which one is {best}?",
     "Name the {best} of the {count}."),
    ("Of the {count}, which is the {best}?", "Pick out the {best}."),
)  # fmt: skip
MIDDLE_ASKS = (
    ("Who or what is in the middle?", "Which is in between the other two?"),
    ("Which of the three is second?",),
)
FULL_ASKS = (
    ("Order them from {most} to {least}.", "List all of them, {most} first.", "Put them in order, {most} to {least}."),
    ("Give the whole order, beginning with the {most}.",),
)
YES_ASKS = (
    ("Is {A} {more} than {B}?", "So is {A} {more} than {B}, yes or no?"),
    ("Does it follow that {A} is {more} than {B}?",),
)

# A rule: its if-part and then-part as statements, and both as questions.
RULES = (
    (
        ("it rains", "the match is cancelled", "Did it rain?", "Was the match cancelled?", "it rained",
         "the match was cancelled", "it did not rain", "the match was not cancelled"),
        ("the alarm rings", "the door locks", "Did the alarm ring?", "Did the door lock?", "the alarm rang",
         "the door locked", "the alarm did not ring", "the door did not lock"),
        ("the bell rings", "school is over", "Did the bell ring?", "Is school over?", "the bell rang",
         "school is over", "the bell did not ring", "school is not over"),
        ("the dog barks", "the baby wakes up", "Did the dog bark?", "Did the baby wake up?", "the dog barked",
         "the baby woke up", "the dog did not bark", "the baby did not wake up"),
        ("the shop is open", "the sign is lit", "Is the shop open?", "Is the sign lit?", "the shop is open",
         "the sign is lit", "the shop is not open", "the sign is not lit"),
        ("it is Sunday", "the library is closed", "Is it Sunday?", "Is the library closed?", "it is Sunday",
         "the library is closed", "it is not Sunday", "the library is not closed"),
        ("the kettle boils", "it whistles", "Did the kettle boil?", "Did it whistle?", "the kettle boiled",
         "it whistled", "the kettle did not boil", "it did not whistle"),
        ("the battery is empty", "the phone is off", "Is the battery empty?", "Is the phone off?",
         "the battery is empty",
         "the phone is off", "the battery is not empty", "the phone is not off"),
        ("the road is icy", "the bus is late", "Was the road icy?", "Was the bus late?", "the road was icy",
         "the bus was late", "the road was not icy", "the bus was not late"),
    ),
    (
        ("the tide is high", "the bridge is shut", "Is the tide high?", "Is the bridge shut?", "the tide is high",
         "the bridge is shut", "the tide is not high", "the bridge is not shut"),
        ("the lamp is red", "the pump stops", "Was the lamp red?", "Did the pump stop?", "the lamp was red",
         "the pump stopped", "the lamp was not red", "the pump did not stop"),
        ("the soup is hot", "the lid is on", "Is the soup hot?", "Is the lid on?", "the soup is hot",
         "the lid is on", "the soup is not hot", "the lid is not on"),
    ),
)  # fmt: skip

# A class, one of its members, and a property.
CLASSES = (
    (
        ("birds", "a robin", "have feathers"), ("reptiles", "a gecko", "lay eggs"), ("singers", "{A}", "read music"),
        ("mammals", "a whale", "breathe air"), ("pilots", "{A}", "wear glasses"), ("fish", "a trout", "have gills"),
        ("bakers", "{A}", "get up early"), ("insects", "a beetle", "have six legs"), ("members", "{A}", "pay a fee"),
        ("metals", "copper", "conduct heat"), ("drivers", "{A}", "own a licence"), ("wugs", "Pim", "eat glim"),
        ("dancers", "{A}", "like waltzes"), ("blickets", "Tor", "glow at night"),
    ),
    (
        ("frogs", "a bullfrog", "jump"), ("painters", "{A}", "drink coffee"), ("zorps", "Quen", "hum in tune"),
        ("gems", "a ruby", "sparkle"),
    ),
)  # fmt: skip

# Groups for the odd one out: the group as a word for several of its members, and the members.
GROUPS = (
    (
        ("fruit", "apple banana grape pear peach plum cherry lemon"), ("vegetables",
         "carrot leek onion turnip cabbage beetroot"),
        ("strings", "violin cello guitar harp banjo viola"), ("wind instruments",
         "trumpet flute oboe trombone clarinet tuba"),
        ("birds", "eagle sparrow robin owl crow heron"), ("insects", "ant bee wasp beetle moth fly"),
        ("fish", "shark trout salmon cod tuna herring"), ("mammals", "whale dolphin seal bat lion mouse"),
        ("tools", "hammer saw drill pliers wrench chisel"), ("clothes", "shirt trousers coat scarf jumper skirt"),
        ("vehicles", "car bus van tram truck bicycle"), ("furniture", "chair table sofa bed shelf desk"),
        ("colours", "red blue green yellow purple orange"), ("metals", "iron copper silver tin zinc lead"),
        ("drinks", "tea coffee milk juice water cocoa"), ("trees", "oak pine birch maple willow beech"),
        ("shapes", "circle square triangle hexagon oval rectangle"), ("sports",
         "tennis football rugby hockey golf judo"),
    ),
    (
        ("flowers", "tulip daisy lily iris poppy violet"), ("cheeses", "brie cheddar gouda feta edam parmesan"),
        ("planets", "Venus Mars Saturn Jupiter Neptune Uranus"), ("dances", "waltz tango salsa polka rumba foxtrot"),
        ("spices", "pepper cinnamon nutmeg ginger saffron clove"), ("reptiles",
         "lizard snake turtle crocodile gecko iguana"),
    ),
)  # fmt: skip
ODD_ASKS = (
    ("Odd one out: {list}", "Which word does not belong? {list}", "Odd one out, with a reason: {list}.",
     "Which is the odd one out: {list}?", "{list}: which one doesn't fit?", "Find the one that is different: {list}"),
    ("One of these is not like the others: {list}", "Strike out the word that does not fit in: {list}"),
)  # fmt: skip
KIND_ASKS = (
    ("Which of these is one of the {group}: {list}?", "Which word names one of the {group}? {list}"),
    ("Only one belongs to the {group}. Which? {list}",),
)

# Turns.
FACING = (
    ("You face {way}. You {turns}. Which way are you facing now?",
     "{A} looks {way} and {turns_s}. Where does {he} look now?",
     "Facing {way}, I {turns}. Which direction is that?",
     "a robot points {way}, then it has to {turns}. where does it point?"),
    ("Starting out {way}, you {turns}. Your direction?",),
)  # fmt: skip

# Who did it: exactly some of the statements are true.
ACTS = (
    ("broke the vase", "ate the cake", "hid the key", "took the last cookie", "let the cat out", "left the tap on",
     "drew on the wall", "won the prize"),
    ("rang the bell", "spilt the ink", "locked the gate"),
)  # fmt: skip
LIARS = (
    ("One of {list} {act}. {statements} Only one of them tells the truth. Who {act}?",
     "{statements} Exactly one of the three statements is true. Who {act}?",
     "{list} were there. One of them {act}. {statements} Just one of these is true. Who was it?"),
    ("Somebody of {list} {act}. {statements} A single statement is true. Who is it?",),
)  # fmt: skip

SEQUENCE_ASKS = (
    ("What number comes next: {list}, ...?", "Next number after {list}?", "Continue: {list}, ...",
     "{list}, ? - what is next",
     "Which number continues the sequence {list}?", "{A} writes {list}. Which number comes next?"),
    ("Name the number that follows {list}.", "{list} and then?"),
)  # fmt: skip
LETTER_ASKS = (
    ("Which letter continues the pattern {list}, ...?", "What letter comes next: {list}?", "{list}, ... next letter?"),
    ("Name the letter after {list}.",),
)

# Questions that go on from a number: what they ask, with a number of their own, then the label and the expression.
FOLLOW_UPS = (
    (
        ("And half of that?", "Half", "# / 2"), ("Double it, what do you get?", "Double", "# * 2"),
        ("Now take {k} off that.", "Less {k}", "# - {k}"), ("and {k} more on top?", "With {k} more", "# + {k}"),
        ("What if it were {k} times as much?", "{k} times that", "# * {k}"), ("Add {k} to it.", "With {k} more",
         "# + {k}"),
        ("Split that between {k} people.", "Each share", "# / {k}"), ("And if {k} of those are gone?", "What is left",
         "# - {k}"),
        ("Oh, there is {k} more to add. New result?", "New result", "# + {k}"), ("How much is {p}% of that?",
         "{p} percent", "# * {p} / 100"),
        ("The same {k} times over, how much in all?", "In all", "# * {k}"),
    ),
    (
        ("A quarter of that is how much?", "A quarter", "# / 4"), ("Sorry, I forgot {k} of them. Corrected result?",
         "Corrected", "# + {k}"),
        ("What would three times that be?", "Three times", "# * 3"),
    ),
)  # fmt: skip
