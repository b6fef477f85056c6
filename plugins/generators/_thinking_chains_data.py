"""Sentences of composed stories: relations between people's numbers, and events that change one number.

In each pair the second part is for held-out drafts. ``{B}`` is the person whose number follows from that of ``{A}``,
``{k}`` a number, ``{things}`` what is counted.
"""

from __future__ import annotations

STARTS = (
    ("{A} has {k} {things}.", "{A} collected {k} {things}.", "{A} picked {k} {things} on {day}.",
     "{A} made {k} {things}.",
     "There are {k} {things} in {A}'s {box}.", "{A} sold {k} {things} at the {event}.", "{A} found {k} {things}.",
     "{A} counted {k} {things} at the {place}.", "{A} bought {k} {things}."),
    ("{A}'s drawer holds {k} {things}.", "{k} {things} are {A}'s.", "{A} brought {k} {things} along.",
     "At {A}'s place there are {k} {things}.", "{A} starts out with {k} {things}."),
)  # fmt: skip
MORE = (
    ("{B} has {k} more than {A}.", "{B} has {k} more {things} than {A} does.", "{A} has {k} fewer than {B}.",
     "{B} got {k} more than that.", "Compared with {A}, {B} has {k} more."),
    ("{B} is {k} {things} ahead of {A}.", "{B} beats {A} by {k}.", "{A} would need {k} more to match {B}."),
)  # fmt: skip
FEWER = (
    ("{B} has {k} fewer than {A}.", "{B} has {k} fewer {things} than {A} does.", "{A} has {k} more than {B}.",
     "{B} has {k} less than that.", "Compared with {A}, {B} has {k} fewer."),
    ("{B} falls {k} short of {A}.", "{B} is {k} {things} behind {A}.", "Take {k} from {A}'s number for {B}'s."),
)  # fmt: skip
TIMES = (
    ("{B} has {times} as many as {A}.", "{B} has {times} as many {things} as {A}.",
     "The number that {B} has is {times} {A}'s.", "{B} got {times} as many."),
    ("{B} counts {times} as many {things} as {A}.", "Make it {times} {A}'s number for {B}."),
)  # fmt: skip
SHARE = (
    ("{B} has {share} as many as {A}.", "{B} has {share} as many {things} as {A}.", "{B} only has {share} as many."),
    ("{A}'s number is cut to {share} for {B}.",),
)  # fmt: skip
TIMES_PLUS = (
    ("{B} has {m} more than {times} as many as {A}.", "{B} has {m} more than {times} the number {A} has."),
    ("Add {m} to {times} {A}'s number and you get {B}'s.",),
)  # fmt: skip
ALL_ASK = (
    ("How many {things} do they have altogether?", "How many do they have in total?", "What is the total?",
     "How many {things} is that in all?", "Together, how many {things} do they have?"),
    ("Put together, how many {things} are there?", "What do all of them add up to?"),
)  # fmt: skip
LAST_ASK = (
    ("How many {things} does {Z} have?", "How many does {Z} have?", "What is {Z}'s number?"),
    ("Say how many {things} {Z} has.",),
)
GAP_ASK = (
    ("How many more does {X} have than {Y}?", "What is the difference between {X} and {Y}?",
     "By how many is {X} ahead of {Y}?"),
    ("How far apart are {X} and {Y}?",),
)  # fmt: skip
SHARE_ASK = (
    ("They put all {things} together and split them equally among {k} {boxes}. How many go in each?",
     "If they share all of them with {k} children equally, how many does each child get?"),
    ("All {things} are dealt out to {k} people in equal parts. What does one person get?",),
)  # fmt: skip

# Events: label, wordings of training, held-out wordings.
GAINS = (
    ("After the gift", ("{His} {relative} gives {him} {k} more.", "{He} gets {k} more from {B}.",
     "{B} brings {k} more."),
     ("{k} more arrive by post.", "A parcel with {k} others comes.")),
    ("After buying", ("{He} buys another {k}.", "Then {he} buys {k} more at the {shop}."),
     ("{k} new ones are bought.",)),
    ("After finding", ("{He} finds {k} more.", "On the way {he} finds {k}."), ("{k} more turn up.",)),
)  # fmt: skip
LOSSES = (
    ("After giving", ("{He} gives {k} to {B}.", "{He} gives {k} of them away.", "{B} takes {k}."),
     ("{k} are handed to {B}.",)),
    ("After losing", ("{He} loses {k}.", "{k} of them get lost.", "{k} break on the way home."), ("{k} go missing.",)),
    ("After selling", ("{He} sells {k} at the {event}.", "{k} are sold on {day}."), ("Buyers take {k} of them.",)),
)  # fmt: skip
PACKS = (
    ("New ones", ("{He} buys {k} packs of {m} more.", "Then {k} {boxes} with {m} each arrive.",
                  "{B} gives {him} {k} bags of {m}."), ("{k} cartons of {m} are added.",)),
)  # fmt: skip
PARTS = (
    ("Part given away", ("{He} gives {share} of what {he} has to {B}.", "{He} sells {share} of them.",
                         "{share_cap} of them are given away."), ("{share_cap} of the stock is sent off.",)),
)  # fmt: skip
LEFT_ASK = (
    ("How many {things} does {A} have now?", "How many are left?", "How many does {he} have in the end?",
     "How many {things} are there now?"),
    ("What number of {things} remains with {A}?", "At the end, {A} holds how many {things}?"),
)  # fmt: skip
SELL_ASK = (
    ("{He} sells the rest for ${k} each. How much money does {he} get?",
     "The remaining ones are sold at ${k} each. How much is that in all?"),
    ("What are the others worth at ${k} a piece?",),
)  # fmt: skip
SPLIT_ASK = (
    ("{He} shares the rest equally among {k} friends. How many does each friend get?",
     "The rest go into {k} {boxes} equally. How many are in each?"),
    ("Dealt out to {k} people evenly, how many is one share?",),
)  # fmt: skip
EARNINGS = (
    ("{A} earns ${p} an hour {job} and works {h} hours.", "{A} is paid ${p} an hour. {He} worked {h} hours this week.",
     "{A} made {h} {things} and sold each for ${p}.", "{A} mows {h} lawns at ${p} each."),
    ("For {h} hours of {job}, {A} gets ${p} each.",),
)  # fmt: skip
TIPS = (("{He} also gets ${k} in tips.", "{His} {relative} gives {him} ${k} on top.", "{He} finds another ${k}."),
        ("A bonus of ${k} comes with it.",))  # fmt: skip
SPENDS = (
    ("{He} spends ${k} on lunch.", "{He} pays ${k} for a {item}.", "Then {he} buys a {thing} for ${k}.",
     "${k} goes to {his} {relative}.", "The bus costs {him} ${k}."),
    ("${k} is taken off for materials.",),
)  # fmt: skip
MONEY_ASK = (
    ("How much money does {he} have left?", "How much does {he} have now?", "What is left, in dollars?"),
    ("How many dollars remain?",),
)
GOAL_ASK = (
    (
        "A {goal} costs ${g}. How much more does {he} need?",
        "How much more does {he} need for a {goal} that costs ${g}?",
    ),
    ("What is missing for a ${g} {goal}?",),
)
