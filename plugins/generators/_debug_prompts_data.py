"""The wording of the requests.

``{call}``, ``{got}`` and ``{want}`` are of a failing test, ``{error}`` of an exception, ``{name}`` is the function and
``{purpose}`` what it should do.
"""

from __future__ import annotations

EXAMPLES = (
    "{call} gives {got}, expected {want}",
    "{call} returns {got} but should be {want}",
    "{call} should be {want}, I get {got}",
    "{call} is {got} instead of {want}",
    "I expected {want} from {call} but got {got}",
    "{call} -> {got}, want {want}",
    "why is {call} {got} and not {want}?",
    "{call} must be {want}. It is {got}.",
    "expected {want}, got {got} for {call}",
    "{call} printed {got}, it ought to print {want}",
    "Calling {call} gives me {got}. It should give {want}.",
    "{name} is off, {call} came out as {got} and not {want}",
    "got {got} where I expected {want}: {call}",
    "For {call} I need {want}, not {got}.",
    "{call} == {want} is False, it says {got}",
    "My result for {call} is {got}; the right one is {want}",
)
WANTED = (
    "{call} should be {want}",
    "assert {call} == {want} fails",
    "{call} must give {want}",
    "I need {call} to be {want}",
    "{call} is not {want}",
    "Want {want} for {call}.",
    "test fails: {call} == {want}",
    "e.g. {call} must be {want}",
)
ERRORS = (
    "{error}",
    "{error}",
    "{error}, help?",
    "I get {error}",
    "It crashes with {error}",
    "{call} raises {error}",
    "{call} dies with {error}",
    "{call} -> {error}",
    "Why {error}?",
    "this throws {error}",
    "{error} when I call {call}",
    "{error}. {call} should be {want}",
    "Got {error}, expected {want} from {call}",
    "{name} fails: {error}",
    "{call} ends in {error}. I need {want}.",
)
PLAIN_ERRORS = (
    "{error}",
    "{error}, help?",
    "I get {error}",
    "It crashes with {error}",
    "Why {error}?",
    "{name} fails: {error}",
    "All I see is {error}",
    "keeps raising {error}",
)
HANGS = (
    "{call} never ends",
    "It hangs forever on {call}",
    "this loops for ever, {call} should be {want}",
    "{call} spins without end",
    "{name} does not stop. {call} must be {want}.",
    "endless loop for {call}, I expected {want}",
)
PURPOSES = (
    "It should {purpose}.",
    "This should {purpose}, but it does not.",
    "I want to {purpose}.",
    "{name} is supposed to {purpose}.",
    "My function has to {purpose}.",
    "The idea is to {purpose}",
    "Goal: {purpose}.",
    "it must {purpose}",
    "trying to {purpose}",
    "I wrote this to {purpose}.",
    "{name} must {purpose}.",
    "We use it to {purpose}.",
)
NOTICES = (
    "{notice}",
    "{notice}!",
    "{notice}.",
    "Hmm, {notice}.",
    "{notice}, why?",
    "For some reason {notice}.",
    "I think {notice}",
    "Looks like {notice}.",
    "{name}: {notice}",
    "My problem: {notice}",
)
REQUESTS = (
    "Fix this.",
    "fix this",
    "Find the bug.",
    "What is wrong here?",
    "whats wrong with this",
    "Please fix the bug.",
    "Can you fix it?",
    "Where is the mistake?",
    "This does not work.",
    "Please correct this function.",
    "debug this pls",
    "There is a bug in {name}.",
    "{name} is broken.",
    "Repair {name} please.",
    "Could you have a look at {name}?",
    "My {name} does not do what it should.",
    "Something is wrong in this code:",
    "help, {name} is wrong",
    "The tests of {name} fail.",
    "one bug in here, can you spot it?",
)
BEFORE = ("Hi, ", "Hello! ", "Hmm. ", "Help: ", "Quick one: ", "Sorry to bother you. ", "Ugh, ", "ok so ")
AFTER = ("please fix", "Please fix it.", "Fix?", "Thanks!", "What is wrong?", "Help please.", "any idea?", "Why?", "fix it pls")
