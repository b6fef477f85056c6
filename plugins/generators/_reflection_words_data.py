# ruff: noqa: E501 - a table has one row a line
"""Words, expressions, notes, scenes and advice for the ``reflection`` generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPOKEN = (
    "apple lemon house garden window river mountain coffee butter summer winter yellow orange purple silver letter "
    "number pencil paper market bridge castle forest island planet rocket guitar violin cheese tomato potato carrot "
    "pepper onion rabbit kitten parrot spider monkey donkey doctor teacher sailor farmer dancer hammer ladder mirror "
    "pillow blanket cotton velvet button zipper jacket helmet ticket basket bottle kettle spoon plate table chair"
)


class Expression(NamedTuple):
    """A Python expression with words ``{w}`` and ``{o}`` and numbers, and expressions of typical wrong values."""

    expression: str
    slips: tuple[str, ...]


CODE = (
    Expression("len('{w}')", ("len('{w}') - 1", "len('{w}') + 1", "'{w}'")),
    Expression("'{w}'[0]", ("'{w}'[1]", "'{w}'[-1]")),
    Expression("'{w}'[-1]", ("'{w}'[0]", "'{w}'[-2]")),
    Expression("'{w}'[1]", ("'{w}'[0]", "'{w}'[2]")),
    Expression("'{w}'[:{n}]", ("'{w}'[{n}:]", "'{w}'[:{n}+1]")),
    Expression("'{w}'.upper()", ("'{w}'.title()",)),
    Expression("'{w}'.replace('e', 'a')", ("'{w}'.replace('e', '')", "'{w}'")),
    Expression("'{w}' + '{o}'", ("'{w} {o}'", "'{o}{w}'")),
    Expression("'{a}' + '{b}'", ("{a} + {b}", "'{a} {b}'")),
    Expression("'{w}'.count('e')", ("'{w}'.count('e') + 1", "len('{w}')")),
    Expression("'{w}' * {n}", ("'{w}'", "'{w}' * ({n} + 1)")),
    Expression("{a} // {n}", ("{a} / {n}", "{a} // {n} + 1", "{a} % {n}")),
    Expression("{a} % {b}", ("{a} // {b}", "{b} % {a}")),
    Expression("{n} ** {n}", ("{n} * {n} * {n}", "{n} + {n}")),
    Expression("{a} ** 2", ("{a} * 2", "{a} ** 2 + 1")),
    Expression("{a} + {b} * {n}", ("({a} + {b}) * {n}", "{a} + {b} + {n}")),
    Expression("max([{a}, {b}, {c}])", ("min([{a}, {b}, {c}])", "{b}", "sum([{a}, {b}, {c}])")),
    Expression("min({a}, {b})", ("max({a}, {b})",)),
    Expression("sum([{a}, {b}, {c}])", ("max([{a}, {b}, {c}])", "sum([{a}, {b}])", "sum([{a}, {b}, {c}]) + 1")),
    Expression("sorted([{a}, {b}, {c}])", ("sorted([{a}, {b}, {c}], reverse=True)", "[{b}, {a}, {c}]")),
    Expression("len([{a}, {b}, {c}])", ("4", "{a}", "2")),
    Expression("[{a}, {b}, {c}][1]", ("{a}", "{c}")),
    Expression("[{a}, {b}, {c}][-1]", ("{a}", "{b}")),
    Expression("[{a}, {b}] + [{c}]", ("{a} + {b} + {c}", "[[{a}, {b}], {c}]")),
    Expression("{a} > {b}", ("not {a} > {b}",)),
    Expression("{a} == {b}", ("{a} != {b}",)),
    Expression("'e' in '{w}'", ("'e' not in '{w}'",)),
    Expression("abs(-{a})", ("-{a}", "0")),
    Expression("int('{a}') + {b}", ("'{a}{b}'", "{a}")),
    Expression("list(range({n}))", ("list(range(1, {n} + 1))", "list(range({n} + 1))")),
    Expression("bool('')", ("bool('x')",)),
    Expression("round({a}.7)", ("{a}", "{a}.7")),
)


class Noted(NamedTuple):
    """A question with facts to keep to.

    :param fields: possible values of each fact.
    :param replied: the facts that the reply gives.
    """

    question: str
    notes: str
    reply: str
    fields: Mapping[str, Sequence[str]]
    replied: tuple[str, ...]


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = ("8 am", "9 am", "10 am", "11 am", "1 pm", "2 pm", "3 pm", "4 pm", "5 pm", "6 pm", "7 pm")
_ROOMS = ("room 2", "room 3", "room 4", "room 5", "room 7", "room 12", "room 14", "the blue room", "the main hall")
_PRICES = ("\u00a35", "\u00a38", "\u00a312", "\u00a315", "\u00a320", "\u00a345", "$9", "$18", "$25", "$60")
_PEOPLE = ("Anna", "Boris", "Clara", "David", "Emil", "Fatima", "George", "Helen", "Igor", "Julia")
_PLACES = ("Leeds", "Madrid", "Lisbon", "Dublin", "Munich", "Geneva", "Prague", "Boston")
_COUNTS = ("2", "3", "4", "6", "8", "10", "12", "15", "20", "30")

NOTED = (
    Noted("When and where is the meeting?", "meeting on {d} at {h} in {r}", "The meeting is on {d} at {h} in {r}.",
          {"d": _DAYS, "h": _HOURS, "r": _ROOMS}, ("h", "r")),
    Noted("What time is my appointment?", "appointment with {p} on {d} at {h}", "Your appointment is on {d} at {h}.",
          {"p": _PEOPLE, "d": _DAYS, "h": _HOURS}, ("d", "h")),
    Noted("When do you close today?", "we open at 7 am and close at {h}", "We close at {h} today.", {"h": _HOURS[4:]}, ("h",)),
    Noted("What does a ticket cost?", "adults {c}, children free, shows on {d}", "A ticket for an adult costs {c}.",
          {"c": _PRICES, "d": _DAYS}, ("c",)),
    Noted("What is the Wi-Fi name?", "network {w}, password in {r}", "The network is called {w}.",
          {"w": ("SeaView", "LakeView", "HillTop", "GreenDoor", "RedFox", "NorthStar"), "r": _ROOMS}, ("w",)),
    Noted("Which gate does my flight leave from?", "flight to {l}, gate {g}, boarding at {h}",
          "Your flight to {l} leaves from gate {g}.",
          {"l": _PLACES, "g": ("A4", "B7", "B12", "C3", "C9", "D21"), "h": _HOURS}, ("l", "g")),
    Noted("Who gives the talk?", "talk by {p} at {h}, then coffee", "{p} gives the talk at {h}.",
          {"p": _PEOPLE, "h": _HOURS}, ("p", "h")),
    Noted("Is breakfast included?", "breakfast included, served from {h} in {r}", "Breakfast is included and is served in {r}.",
          {"h": _HOURS[:3], "r": _ROOMS}, ("r",)),
    Noted("When is the rent due?", "rent {c} a week, due on {d}", "The rent of {c} is due on {d}.",
          {"c": _PRICES, "d": _DAYS}, ("c", "d")),
    Noted("Which day does the bin lorry come?", "paper on {d}, glass never, after {h}", "The bin lorry takes paper on {d}.",
          {"d": _DAYS, "h": _HOURS}, ("d",)),
    Noted("How many people are coming?", "party for {n} on {d}, cake by {p}", "There are {n} people coming on {d}.",
          {"n": _COUNTS, "d": _DAYS, "p": _PEOPLE}, ("n", "d")),
    Noted("Where does the bus go?", "bus {n} to {l}, every hour", "Bus {n} goes to {l}.",
          {"n": _COUNTS, "l": _PLACES}, ("n", "l")),
    Noted("Is my order ready?", "order {n} ready on {d} at {h}", "Order {n} will be ready on {d}.",
          {"n": ("118", "204", "377", "451", "592", "640"), "d": _DAYS, "h": _HOURS}, ("n", "d")),
    Noted("Do you have the coat in blue?", "coat: {k} only, {c}", "We have the coat in {k} only.",
          {"k": ("red", "black", "grey", "green", "white", "brown"), "c": _PRICES}, ("k",)),
    Noted("When is the swimming pool open?", "pool open {d}, from {h}, entry {c}", "The pool is open on {d} from {h}.",
          {"d": _DAYS, "h": _HOURS[:5], "c": _PRICES}, ("d", "h")),
    Noted("Who should I call about the lift?", "lift: call {p}, extension {n}", "Please call {p} on extension {n}.",
          {"p": _PEOPLE, "n": ("31", "42", "57", "64", "78", "90")}, ("p", "n")),
    Noted("How long is the guided tour?", "tour {n} minutes, starts at {h}, {c}", "The tour takes {n} minutes and starts at {h}.",
          {"n": ("30", "45", "60", "90", "75"), "h": _HOURS, "c": _PRICES}, ("n", "h")),
    Noted("Where do we stay in May?", "hotel in {l}, {n} nights, booked by {p}", "We stay in {l} for {n} nights.",
          {"l": _PLACES, "n": _COUNTS[:5], "p": _PEOPLE}, ("l", "n")),
    Noted("What is my deposit?", "deposit {c}, paid by {p}", "Your deposit is {c}.", {"c": _PRICES, "p": _PEOPLE}, ("c",)),
    Noted("When does the course begin?", "course with {p} begins on {d} at {h}", "The course begins on {d} at {h}.",
          {"p": _PEOPLE, "d": _DAYS, "h": _HOURS}, ("d", "h")),
)  # fmt: skip


class Scene(NamedTuple):
    """A request for a reply with a fact, ``{v}`` for its value."""

    asked: str
    fact: str
    values: tuple[str, ...]
    contains: tuple[str, ...]


SCENES = (
    Scene("A customer asks when we close.", "we close at {v}", ("5 pm", "6 pm", "7 pm", "8 pm"), ("{v}",)),
    Scene("A guest asks about check-in.", "check-in starts at {v}", ("1 pm", "2 pm", "3 pm", "4 pm"), ("{v}",)),
    Scene("A client asks where the invoice is.", "the invoice went out on {v}", ("Monday", "Tuesday", "Friday"), ("{v}",)),
    Scene("A customer asks how to restart the device.", "hold the power button for {v}", ("5 seconds", "10 seconds", "20 seconds"),
          ("power button", "{v}")),
    Scene("A late payer needs a reminder.", "the invoice of {v} is a week overdue", ("\u00a340", "\u00a385", "$120", "$64"), ("{v}",)),
    Scene("A visitor brings a dog.", "dogs are not allowed in the {v}", ("museum", "shop", "kitchen"), ("dogs", "{v}")),
    Scene("A customer's parcel is late.", "the parcel will arrive on {v}", ("Tuesday", "Thursday", "Saturday"), ("parcel", "{v}")),
    Scene("A pupil asks for the due date.", "the essay is due on {v}", ("Monday", "Wednesday", "Friday"), ("{v}",)),
    Scene("A colleague asks whether the report is done.", "the {v} is done", ("report", "summary", "budget"), ("{v}",)),
    Scene("A guest says the room is cold.", "the heating is next to the {v}", ("door", "window", "bed"), ("heating", "{v}")),
    Scene("A customer sent an incomplete form.", "the {v} is missing in the form", ("address", "signature", "date"), ("{v}",)),
    Scene("A friend invites us to a party.", "we cannot come on {v}", ("Friday", "Saturday", "Sunday"), ("{v}",)),
    Scene("A reader asks where to park.", "you can park behind the {v}", ("library", "station", "church"), ("park", "{v}")),
    Scene("A customer asks for a refund.", "a refund takes {v} days", ("three", "five", "seven"), ("refund", "{v}")),
    Scene("Someone asks to move the call.", "the call cannot be moved to {v}", ("Monday", "Thursday"), ("{v}",)),
    Scene("A new user forgot the password.", "you can reset the password under {v}", ("Settings", "Profile", "Account"), ("{v}",)),
    Scene("A hotel guest asks for towels.", "towels are in the {v}", ("cupboard", "drawer", "bathroom"), ("towels", "{v}")),
    Scene("A guest smokes indoors.", "you may smoke on the {v}", ("balcony", "terrace"), ("smoke", "{v}")),
    Scene("A neighbour's cat got out.", "your cat is in our {v}", ("garden", "garage", "shed"), ("cat", "{v}")),
    Scene("A member asks about the fee.", "the fee is {v} a year", ("\u00a320", "\u00a335", "$50"), ("{v}",)),
)  # fmt: skip

RUDE = (
    "Can't you read?", "Stop asking.", "Any adult would know that.", "That is your own fault.", "Are you blind?",
    "Don't be stupid.", "We already told you.", "Obviously you did not read the sign.", "What a silly question.",
    "Don't bother us again.", "You are a pain.", "Use your brain.", "Get lost.", "How dumb are you?", "Shut up and listen.",
    "Not my problem.", "Even a child knows that.", "Stop whining.", "You clearly never listen.", "Nobody cares.",
)  # fmt: skip
FRIENDLY = (
    "Thank you for your message.", "Thanks for asking.", "Thank you for getting in touch.", "Hello, and thank you.",
    "We are happy to help.", "Thanks for your patience.", "Thank you for telling us.", "Good to hear from you.",
    "Thank you for your question.", "Many thanks.",
)  # fmt: skip


class Advice(NamedTuple):
    """Good and bad advice; ``key`` is a word that no bad answer has."""

    question: str
    bad: str
    good: str
    flaw: str
    key: str


ADVICE = (
    Advice("My chip pan is on fire, what now?", "Throw water on it.", "Turn off the heat and cover the pan with a lid.",
           "Water makes burning oil spread.", "cover"),
    Advice("How do I change a bulb?", "Unscrew the hot bulb at once.", "Switch off the light and let the bulb cool first.",
           "A hot bulb burns the hand.", "cool"),
    Advice("My toaster smokes, what should I do?", "Pour water over it while it is on.", "Pull the plug and let it cool.",
           "Water and electricity are dangerous.", "plug"),
    Advice("How do I clean the bath?", "Mix bleach with ammonia.", "Use one cleaner only and open the window.",
           "Bleach and ammonia give a toxic gas.", "one"),
    Advice("Can my dog eat chocolate?", "Yes, it is a nice treat.", "No, chocolate is toxic for dogs.",
           "Chocolate is toxic for dogs.", "toxic"),
    Advice("I have a bruise, what helps?", "Hit it again.", "Cool it with ice.", "Hitting makes it worse.", "ice"),
    Advice("I cut my finger, what now?", "Ignore it.", "Rinse it and cover it with a plaster.", "A cut may get infected.", "plaster"),
    Advice("May I drive after four beers?", "Yes, if you drive slowly.", "No, take a taxi.", "Drinking and driving is dangerous.",
           "taxi"),
    Advice("May I text while driving?", "Yes, if the road is empty.", "No, stop the car first.",
           "Texting at the wheel is dangerous.", "stop"),
    Advice("Should I wear a helmet on a bike?", "No, it ruins the hair.", "Yes, wear a helmet on every ride.",
           "A helmet protects the head.", "every"),
    Advice("Can I use a grill inside the tent?", "Yes, it keeps you warm.", "No, it gives off carbon monoxide.",
           "Carbon monoxide can kill in a tent.", "carbon monoxide"),
    Advice("How do I post a letter?", "Write the address and drop it in the box.", "Put a stamp on it, then drop it in the box.", "The stamp is left out.", "stamp"),
    Advice("Is 'password1' a good password?", "Yes, it is easy to remember.", "No, choose a long password that nobody can guess.",
           "It is easy to guess.", "long"),
    Advice("I missed a dose of my pills, what now?", "Take a triple dose next time.", "Take the usual dose and ask your pharmacist.",
           "A triple dose is dangerous.", "pharmacist"),
    Advice("I smell gas at home, what now?", "Light a match to look for the leak.", "Open the windows and leave the house.",
           "A flame can set off the gas.", "windows"),
    Advice("Can I swim during a thunderstorm?", "Yes, the water is warmer then.", "No, get out of the water at once.",
           "Lightning is dangerous in water.", "out"),
    Advice("How often do I water a cactus?", "Every day.", "Only when the soil is dry.", "Too much water makes it rot.", "dry"),
    Advice("How do I start lifting weights?", "Lift the heaviest weight you find.", "Warm up and begin with light weights.",
           "It leaves out the warm-up.", "light"),
    Advice("How do I set up a ladder?", "Put it on soft sand.", "Put it on firm ground.", "A ladder sinks into sand.", "firm"),
    Advice("How do I make tea with a bag?", "Put the bag in a mug and drink.", "Put the bag in a mug, pour hot water on it and wait.",
           "The hot water is left out.", "hot water"),
    Advice("How do I change a tyre?", "Take the wheel off and put the spare on.", "Lift the car with a jack, then change the wheel.",
           "The jack is left out.", "jack"),
    Advice("How do I send a photo by email?", "Type the address and press Send.", "Attach the photo, type the address and press Send.",
           "The photo is not attached.", "attach"),
    Advice("How do I boil an egg?", "Put it in a pan and peel it.", "Boil it in water for eight minutes, then peel it.",
           "The boiling is left out.", "minutes"),
    Advice("How do I cook rice?", "Put it on a plate and eat it.", "Simmer it in water until it is soft.", "The cooking is left out.", "water"),
    Advice("How do I plant a seed?", "Put it on the table and water it.", "Put it in soil and water it.", "The soil is left out.",
           "soil"),
    Advice("How do I wash wool?", "Boil it for an hour.", "Wash it by hand in cold water.", "Wool shrinks in hot water.", "cold"),
    Advice("How do I thaw frozen meat?", "Leave it in the sun all day.", "Thaw it overnight in the fridge.",
           "Germs grow in the warm.", "fridge"),
    Advice("How do I keep milk fresh?", "Leave it on the warm table.", "Keep it in the fridge.", "Milk goes off in the warm.",
           "fridge"),
    Advice("May I stare at the sun?", "Yes, for a minute.", "No, it damages the eyes.", "Looking at the sun hurts.", "eyes"),
    Advice("I swallowed bleach, what now?", "Sleep it off.", "Call the emergency number at once.", "Bleach is a poison.", "call"),
    Advice("How do I take a cake out of the oven?", "Use your bare hands.", "Use oven gloves.", "Bare hands get burnt.", "gloves"),
    Advice("How do I cross a road?", "Run without looking.", "Look left and right, then walk.", "It does not say to look.",
           "left"),
    Advice("How do I back up my files?", "Keep one copy on the laptop.", "Keep a second copy on another disk.",
           "One copy is no backup.", "second"),
    Advice("A stranger asks for my password, do I tell?", "Yes, be friendly.", "No, keep it secret.", "A password is secret.",
           "secret"),
    Advice("How do I dive into a lake?", "Jump head first anywhere.", "Check the depth before you dive.", "The depth is not known.",
           "depth"),
    Advice("How do I clean my hands?", "Rub them on the coat.", "Use soap and water.", "A coat does not clean hands.", "soap"),
    Advice("My phone fell into water, what now?", "Switch it on at once.", "Keep it off and let it dry.", "Wet electronics must stay off.", "dry"),
    Advice("My screen is black, what do I do first?", "Buy a new computer.", "Check the power cable.",
           "It skips the simple checks.", "cable"),
    Advice("A vegetarian comes for dinner, what do I cook?", "Chicken soup.", "Vegetable soup.", "Chicken is meat.", "vegetable"),
    Advice("My guest is allergic to nuts, which snack?", "A bowl of almonds.", "A bowl of popcorn.", "Almonds are nuts.",
           "popcorn"),
    Advice("What do I wear in the snow?", "Sandals and shorts.", "Boots and a warm coat.", "It is too cold for that.", "coat"),
    Advice("How do I stop a bike?", "Pedal faster.", "Pull the brakes.", "Pedalling does not stop it.", "brakes"),
    Advice("How should a letter to a bank begin?", "Yo bank people,", "Dear Sir or Madam,", "The opening is not formal.", "Dear"),
    Advice("What do I do before an update?", "Pull the plug.", "Save your work.", "Work may be lost.", "save"),
    Advice("How do I put out a candle?", "Throw it away burning.", "Blow it out.", "A burning candle starts fires.", "blow"),
)  # fmt: skip
