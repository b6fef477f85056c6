"""Requests for the domain's own eight tools, in the notation of ``_action_grammar``, and topics of searches."""

from __future__ import annotations

OWN = """
search_files
= find files
- pattern : word
- folder : folder
I (find|list|show|search for) (all|all the|every|any) {ext} files in {folder}
I look in {folder} for (anything ending in|files ending in|files that end in) {ext}
I (look|search) (in|through) {folder} for {ext} files
I check {folder} for {ext} files
Q (are there|do I have|have we got) any {ext} files in {folder}
Q (what|which) {ext} files (are|live) in {folder}
Q which {ext} files does {folder} contain
F all {ext} files in {folder}
F {ext} files, {folder}
N the names of all {ext} files in {folder}
S I need every {ext} file from {folder}.
S Somewhere in {folder} there must be {ext} files. Which ones?
I (find|list|show) (files|the files) (that mention|containing|with the word|about) {word} in {folder}
I (search|grep|look) for '{word}' in {folder}
I search {folder} for {word}
I (hunt|go|look) through {folder} for files (mentioning|that talk about) {word}
Q which files (in|under|inside) {folder} (contain|mention|use|have the word) {word}
Q (where|in which file) (in|under) {folder} (is|do I find) {word}
Q (is|does) anything in {folder} (named|called) {word}
F grep {word} {folder}
S I wrote about {word} in some file in {folder}. Track it down.
S I've lost a file, it's called something like {stem} and lies in {folder}.
Q is there a file called {stem} (somewhere|anywhere|) (in|under|inside) {folder}
Q do we have {file} somewhere (in|under) {folder}
I (locate|find) {file} in {folder}
S In {folder}, which files use {word}?
S {file} must be somewhere in {folder}. Find it.

read_file
= read files
- path : path
I (open|read|show|display|view|print|load) {path}
I (show me|give me|tell me) (what's in|the contents of|everything in) {path}
I (open|read|show me) the file {path}
I pull up {path}
I read {path} (to me|out loud|aloud)
I let me (see|read|look at) {path}
I summarise {path}
Q what's (in|inside|written in) {path}
Q what does {path} say
Q how does {path} (begin|start|end)
L the (contents|text) of {path}
F cat {path}
F contents of {path}
S The {thing} is saved as {path}. What's on it?
S I forgot the {thing}, it's written in {path}. Can you read it?
S I want to see {path}.
S What's the {thing} in {path}? Open it and tell me.

write_file
= write files
- path : path
- content : note
I (save|write|put|store) '{content}' (to|in|into) {path}
I create (a file|the file|a file called) {path} (with the text|containing|with) '{content}'
I make {path} and put '{content}' in it
I (note|write down|record) '{content}' in {path}
I overwrite {path} with '{content}'
I append nothing, just write '{content}' into {path}
I start {path} with '{content}' as its first line
I write '{content}' out to {path}
N a file {path} (with|containing) '{content}'
N a new file {path} that (says|reads) '{content}'
Q can you put '{content}' in {path}
F new file {path}: {content}
S Save this as {path}: {content}
S Jot this down in {path}: {content}
S Note for {path}: {content}
S Keep this in {path}: {content}

run_python
= run Python
- code : code
I (run|execute|try) {code}
I (run|execute) (this|this code|this Python|this snippet): {code}
I (run|try|test) {code} in Python
I use Python to run {code}
Q what does {code} (print|output|give)
Q can Python run {code}
F python: {code}
F {code} - run (it|that)
S Run it for me: {code}
S What does this print? {code}
S Homework says to run this line: {code}

set_reminder
= set reminders
- text : chore
- time : clock
I remind me to {text} (at|) {time}
I remind me {time} to {text}
I set a reminder (at|for) {time} to {text}
I set a reminder to {text} {time}
I (ping|nudge|alert) me {time} to {text}
I make sure I remember to {text} {time}
Q can you remind me to {text} {time}
N a reminder (for|at) {time} to {text}
N a reminder to {text} {time}
F reminder: {text}, {time}
F remind me {time} {text}
S Don't let me forget to {text} {time}.
S I have to {text} {time}. Remind me.
S I must {text} {time}, set a reminder.
S I always forget to {text}. Remind me {time}.
S {time} I should be reminded to {text}.
S Reminder for {time}, please: {text}.
S Schedule a reminder for {time}: {text}

send_message
= send messages
- to : contact
- text : message
I (tell|text|message|inform) {to} {text}
I (tell|text|message|inform|warn) {to} that {text}
I send {to} (a message:|the message|a text:) '{text}'
I send '{text}' to {to}
I let {to} know (that|) {text}
I (write to|drop a line to) {to}: '{text}'
I shoot {to} a quick message saying {text}
I reply to {to} with '{text}'
Q can you tell {to} (that|) {text}
Q can you (write|send) '{text}' to {to}
F (sms|DM|whatsapp|text|msg) {to}: {text}
F text to {to} - {text}
S {to} should know that {text}. Message them.
S Send a message to {to}: {text}
S Message for {to}: {text}
"""
WHENS = [
    "at 5:30 pm",
    "at 17:25",
    "in 25 minutes",
    "tomorrow at 10 am",
    "at 8 this evening",
    "on Friday at 2",
    "at 4:10pm",
    "in three hours",
    "tonight at 10",
    "on Monday at 08:15",
    "tomorrow morning",
    "at half past three",
    "on 9 April at 11 am",
    "next Wednesday at 7pm",
    "at 10 tonight",
    "on 23 June",
    "in 50 minutes",
    "on Saturday at 9:45",
    "at noon",
    "tomorrow 6am",
    "on the 14th",
    "at 7:35",
    "in an hour",
    "at 3 p.m.",
    "every morning at 6",
]
FILE_THINGS = [
    "guest list",
    "alarm code",
    "address",
    "plan",
    "last entry",
    "title",
    "due date",
    "price",
    "first line",
    "seating plan",
    "version",
    "author",
]
TOPICS = (  # aspects, and the pools of their subjects; a search names the subject first
    ("opening hours|ticket prices|history|admission fee|architect", "landmark|hotel", "of"),
    ("timetable|ferry times|weather warning|travel advice|flood map", "city|region", "for"),
    ("news|research|figures|studies|rumours", "topic", "on"),
    ("price|range|mileage|reviews|common faults", "car", "of a"),
)
SUBJECTS = [
    "rye bread hydration",
    "swimming spots near {city}",
    "mountain huts in {region}",
    "tapas bars in {city}",
    "how to repot {plant}",
    "used {car} price",
    "{product} reviews",
    "quiet hotels in {city}",
    "customs rules {country}",
    "airport strike {country}",
    "{country} election results",
    "{currency} to {currency} chart",
    "{team} transfer news",
    "{dish} recipe without eggs",
    "late night bakery {city}",
    "news about {topic}",
    "{artist} tour dates",
    "who designed {landmark}",
    "{breed} puppies {city}",
    "best time to visit {region}",
    "{company} share price",
    "chords of {song}",
    "spare parts {appliance}",
    "side effects of {medicine}",
    "rust problems {car}",
    "snow report {region}",
    "apartments for rent {city}",
    "population of {country}",
    "job market {city}",
    "how to grow {plant} indoors",
    "{sport} clubs in {city}",
    "cheap flights to {city}",
    "reviews of {hotel}",
    "{book} summary",
]
SEARCHES = [
    "search the web for {}",
    "google {}",
    "look up {} online",
    "search: {}",
    "search for {}",
    "find out on the web: {}",
    "look on the internet for {}",
    "can you google {}?",
    "browse the internet for {}",
    "web search: {}",
    "please search {}",
    "look up {}",
    "check online: {}",
    "{}",
    "could you search the internet for {}?",
    "I need search results for {}",
    "find {} online",
    "what does the internet say about {}?",
    "see what people online say about {}",
    "do a web search for {}",
]
ANSWERS = (  # question, answer that a later turn sends or saves
    ("What does {word} sound like in {language}?", "{word}"),
    ("How do I politely say no to a second interview?", "Thank you for the offer, but I have decided otherwise."),
    ("Give me a headline for an article about {dish}.", "All about {dish}"),
    ("What's a good caption for a photo of {city}?", "A day in {city}"),
    ("Write one line that invites people to {title}.", "Join us for {title}!"),
    ("Think of a motto for our {sport} club.", "Strong together, every day."),
    ("How could I cancel dinner politely?", "I'm so sorry, something came up tonight."),
    ("A name for my {breed}?", "{pet} would suit your {breed}."),
    ("What's a nice birthday wish for {person}?", "Happy birthday, {person}! Enjoy your day."),
    ("One sentence about {topic}, please.", "People talk a lot about {topic} these days."),
)
