"""What people write around facts: openings, asides, small talk, and the frames of corrections and requests.

A line with ``~`` is for held-out drafts alone. Turns of one conversation are separated by ``||``, the user's first.
"""

# Nothing of this is worth remembering: it is about the moment.
OPENINGS = """
hi!
hello!
hey, quick one.
morning!
good evening!
me again.
right, some news.
okay, an update.
hope you're well.
so, listen.
before I forget.
quick note before lunch.
~ hiya!
~ evening all.
~ got a minute?
~ back from the shops.
~ greetings!
~ sorry to bother you.
"""

LEADS = """
remember:
please note:
for the record,
just so you know,
FYI,
heads up:
note to self:
save this:
don't forget:
keep in mind:
one more thing:
as of today,
please remember this:
~ jot this down:
~ for your notes,
~ worth knowing:
"""

LINKS = """
also,
and
oh, and
by the way,
plus,
another thing:
~ on top of that,
~ while I'm at it,
"""

# What follows a fact in its sentence and adds none.
TAILS = """
, at last
, by the way
, as you may know
, believe it or not
, in case you wonder
, thank goodness
, so there's that
 (long story)
, and I'm glad about it
, which took me a while to sort out
, just saying
, you know how it is
, which is a bit of a pain
, if you must know
 (don't ask)
, for now at least
~ , would you believe
~ , odd as it sounds
~  (not my idea)
~ , much to my surprise
"""

ASIDES = """
it's pouring outside.
the kettle's on already.
my tea has gone cold again.
what a day it's been.
the bus was late again, {minutes} minutes this time.
I slept badly last night.
sorry for the typing, I'm on the train.
somebody upstairs is drilling, lovely.
I'm writing this with one hand, the other holds a sandwich.
the queue here has {n} people in it.
I've just walked in and my coat is dripping.
my neighbour's music is loud tonight.
I had {food} for lunch, far too much of it.
I nearly missed my stop just now.
the sun is out at last!
my battery is at {n} percent, so I'll be quick.
I'm a bit tired today.
the office is freezing this morning.
we laughed about it for {minutes} minutes.
I saw a rainbow over the car park.
traffic was awful, as always.
somebody has eaten my biscuits.
I'm hungry already and it's only {time}.
the cat next door is staring at me through the window.
it took me ages to find my glasses.
the film last night was rubbish.
I dropped my toast, butter side down of course.
anyway, enough of that.
no idea why I'm telling you about the weather.
~ the lift smells of soup today.
~ there's a pigeon on my window sill.
~ a stranger just waved at me, odd.
~ I've got paint on my sleeve.
~ the radio plays the same song for the third time.
~ my pen has just run out.
~ everyone's yawning in this meeting.
~ my shoelace has snapped, of all things.
~ I burnt my tongue on the coffee.
~ the neighbours' baby is laughing, it's contagious.
~ we've been on hold for {minutes} minutes.
~ it smells of rain.
~ I counted {n} magpies on the way here.
~ my umbrella turned inside out.
~ the lights flickered just now.
~ someone left {food} in the fridge, yuck.
~ I've lost a button.
~ the clock here is {n} minutes slow.
~ I could do with a nap.
~ a wasp flew in and out again.
~ the hall is full of balloons for some reason.
"""

QUESTIONS = """
how many legs does a spider have?
what's the capital of Peru?
how do you spell "rhythm"?
is {n} a prime number?
what does "ubiquitous" mean?
why is the sky blue?
can you convert {degrees} Fahrenheit to Celsius?
how long do I boil rice?
who wrote Hamlet?
what's another word for "big"?
how far is it to the moon?
do penguins have knees?
what's {minutes} times {n}?
how do I get a coffee stain out of a shirt?
what's the plural of octopus?
is a tomato a fruit?
why do cats purr?
what's the tallest mountain in Europe?
can you tell me a joke?
how many minutes are in a day?
do fish sleep?
what do you call a baby goat?
which is heavier, gold or lead?
what time is it in {place} when it's noon here?
how old is the Eiffel Tower?
can you sing?
what rhymes with orange?
is it normal that a fridge hums?
got a good pun about {food}?
how do I say thank you in {language}?
~ what's the smallest country in the world?
~ how do bees find their way home?
~ can whales hear music?
~ what's {degrees} divided by {n}?
~ why does bread go stale?
~ which planet has the most moons?
~ how hot does a candle burn?
~ how many strings does a harp have?
~ what's the opposite of "nocturnal"?
~ do snails have teeth?
~ where do swallows go in winter?
~ who painted the Night Watch?
~ how many grams are in a pound?
~ is glass a liquid?
~ what's the past tense of "swim"?
~ what does "e.g." stand for?
~ can I freeze {food}?
~ how far is {place} from the sea?
~ what colour is a polar bear's skin?
~ how loud is a lion?
"""

MOMENTS = """
I'm making toast right now.
just waiting for the bus.
the pasta is boiling over, back in a second.
I'm standing in the supermarket and can't decide.
my friend and I have a bet on.
my nephew just asked me that at breakfast.
I'm stuck in a boring meeting.
my phone nearly fell in the sink.
the kids are giggling in the next room.
just curious, nothing important.
I've got {n} tabs open and no plan.
only wondering.
I'm at the hairdresser's and bored.
somebody on the radio got it wrong.
the printer jammed again but it works now.
found my keys, they were in my pocket.
the washing machine just finished, so that was the beeping.
I stubbed my toe, it's fine.
we're in the middle of a quiz.
{woman} is asking, not me.
I've been staring at this crossword for {minutes} minutes.
what a goal that was!
the soup smells wonderful.
can't sleep, so I'm chatting.
just saying hello.
my headache's gone, luckily.
I'm avoiding the ironing.
there was a spider in the bath, I put it out.
the bread came out a bit flat, never mind.
that made me laugh out loud.
~ I'm up a ladder as I write this.
~ the dog next door joined in the singing.
~ my ice cream is melting.
~ {woman} and I are arguing about it in the car.
~ we ran out of milk a minute ago.
~ my hiccups won't stop, ha.
~ my sandwich fell apart.
~ I'm hiding from the rain in a doorway.
~ the train's stopped in the middle of nowhere.
~ we've been laughing for {minutes} minutes.
~ the children are building a den out of cushions.
~ I've got a song stuck in my head.
~ somebody just sneezed {n} times in a row.
~ I can't get this lid off.
~ the smoke alarm went off, only toast.
~ I'm counting sheep and losing.
~ {man} says I'm wrong, we'll see.
~ my slippers are on the wrong feet.
~ waiting for paint to dry, literally.
"""

THANKS = """
thanks, that worked!
brilliant, thank you.
perfect, cheers.
ha, I knew it.
great, that's all I needed.
thank you, you're a star.
got it, thanks!
lovely, that helps.
never mind, I've found it.
oh, it works now.
okay, good to know.
nice one!
~ spot on, ta.
~ much obliged!
~ aha, that explains it.
~ wonderful, many thanks.
~ that's the one, thanks a lot.
~ oh good, sorted.
~ you saved the day.
"""

BYES = """
bye for now!
talk later.
off to bed, good night.
see you tomorrow.
right, back to work.
I'm off for a walk.
enjoy your evening!
that's everything.
have a nice day!
going to get some lunch.
~ toodle-oo!
~ over and out.
~ time to feed my face.
~ right, the oven's beeping.
~ catch you another time.
~ I must dash.
~ sleep well, or whatever you do.
"""

# A question that leaves nothing to remember, and its answer.
EXCHANGES = """
how do I open a stuck jar? || Run the lid under hot water.
what's a good film for tonight? || A light comedy, perhaps.
is it going to rain? || I don't have live weather, sorry.
which bus goes to the station? || Which city are you in?
can you check this sentence? || It reads well.
what's {n} plus {minutes}? || That's easy, shall I show the steps?
my screen is black. || Is the cable plugged in?
I'm bored. || Would you like a riddle?
how do I thicken a sauce? || Stir in a little starch with cold water.
what's the Spanish word for cheese? || It's "queso".
why won't the lamp go on? || Is the bulb screwed in tightly?
suggest a name for my snowman. || How about Frosty Pete?
where does the word robot come from? || From a Czech play.
is the shop open? || I can't see opening hours, sorry.
I can't find my glasses. || Have you looked on your head?
tell me something funny. || Why did the tomato blush?
~ how do I fold a fitted sheet? || Tuck the corners into one another.
~ what can I use instead of a corkscrew? || A screw and pliers work.
~ my laptop makes a noise. || Is it the fan?
~ what's a palindrome? || A word that reads the same backwards.
~ how do I whistle? || Wet your lips and blow gently.
~ give me a word for a crossword, five letters, fruit. || How about mango?
~ what's on at the cinema? || I can't look that up, sorry.
~ my pancakes stick. || Is the pan hot enough?
~ why is my tea bitter? || It may have stood too long.
"""

# Talk that opens a conversation in which the user then states facts.
INVITATIONS = """
can you help me plan something? || Of course. What should I know?
are you there? || Yes, how can I help?
let's update my notes. || Go ahead.
I need your help with something. || Sure, tell me more.
do you remember everything about me? || Only what I saved. Has anything changed?
I'd like to tell you a few things. || I'm listening.
could you draft a message for me? || Gladly. Any details?
what do you know about me? || Not much yet.
are you any good at planning? || I try. What is it about?
can I add something to my profile? || Yes, what is it?
~ time for some housekeeping. || Fire away.
~ I've got news! || Oh, what is it?
~ make me a checklist. || Happy to. For what?
~ hello, is this a good moment? || It is. What's up?
~ I want to set things straight. || All right, tell me.
"""

# {s}: a statement of the new value; {t}: the fact's topic, as "my deadline"; {new}, {old}: its value.
CORRECTIONS = """
correction: {s}, not {old}
{s}, not {old} as I said
sorry, I got it wrong. {s}, not {old}
I said {old}, but {s}
forget {old}: {s}
{s} now, it was {old} before
I told you {old}. that's wrong, {s}
not {old} any more, {s}
~ strike {old}, {s}
~ where I wrote {old} I was mistaken: {s}
"""

TOPIC_CORRECTIONS = """
{t} is {new} now, not {old}
change {t} from {old} to {new}
{t} isn't {old} any more, it's {new}
{t} changed: {new} instead of {old}
please update {t}, it's {new} and not {old}
you have {old} as {t}. it's {new}
{t}: {new}, not {old}
it's {new}, not {old}, for {t}
~ swap {old} for {new} as {t}
~ {old} is outdated as {t}, make it {new}
"""

# {before}: a statement of the old value.
SLIPS = """
{before}. no wait, {new}
{before}... sorry, I mean {new}
{before}. actually no, it's {new}
{before}, or rather {new}, I've just checked
{before}. scratch that, {new}
~ {before}. hang on, it says {new} here
~ {before}... oops, {new}
"""

# The second to last turn is the assistant's, the last one the user's.
TALKS_OF_CORRECTION = """
what's {t} again? || You told me {old}. || that's out of date, it's {new} now
do you have {t}? || Yes, I have {old}. || wrong, it's {new}
can you check {t} for me? || It says {old} here. || please change that to {new}
what do you have saved as {t}? || I have {old}. || not any more, it's {new}
did I tell you {t}? || Yes: {old}. || well, that changed, {new} now
{before} || Noted. || oh, I mixed that up, it's {new}
{before} || I've saved that. || sorry, make that {new}
{before} || Thanks, I'll remember. || small change: {new} instead
~ remind me of {t}. || That's {old}. || it used to be, these days it's {new}
~ {before} || Understood. || my mistake, {new} is right
"""

# {memory}: what is stored, with the old value; {s}: the new statement.
UPDATES = """
your notes say "{memory}". that's old: {s}
you saved "{memory}", but {s}
in your memory it says "{memory}". {s} now
stored so far: {memory}. new: {s}
~ I read "{memory}" in my profile. not true any more, {s}
"""

TALKS_OF_UPDATE = """
what have you saved about me? || This is what I have:{listed} || {s}. the rest still holds
show me my notes. || Here they are:{listed} || one has changed: {s}
let's go through my profile. || Sure:{listed} || {s} now, otherwise fine
what do you remember? || I have:{listed} || the first one is old. {s}
~ read me what's on file. || On file:{listed} || almost. {s}
"""

FORGETTING = """
please forget {t}
forget what I said about {t}
delete {t} from your notes
you can drop {t}
remove {t} please, it's no longer true
don't mention {t} any more, delete it
wipe {t} from your memory
I'd like you to forget {t}
~ erase {t}, would you
~ get rid of {t} in your notes
"""

TALKS_OF_FORGETTING = """
can you delete something for me? || Sure, what should I forget? || {t}
I want to clean up my notes. || What should go? || {t}, please
what do you still know? || Among other things, {your}. || then forget {t}
~ something has to go from your memory. || What is it? || it's {t}
"""

ASKED = """
help me with {t}. || Sure. What is {your}? || it's {new}
did you save {t}? || No, what is it? || {new}
add {t} to my notes. || Of course: what's {your}? || {new}
I need to tell you {t}. || Go ahead, what is it? || it's {new}
what's {t}? || I don't know {your} yet. || {new}, remember that
~ put {t} down, please. || Fine, and {your} is? || {new}
"""
