"""The kinds of facts that the ``memory`` generator knows, and the ways in which people say them.

A kind starts with its name in brackets; a name with ``~`` is for held-out drafts alone. A fact starts with ``=`` and
has the line of the answer. It may have its topic and the slot whose value may change. The lines below are phrasings:
with ``~`` for held-out drafts alone, with ``>`` only after the first fact of the kind, where a pronoun is clear. Slots
are pools of values (``_memory_values.py``); a digit tells two draws from one pool apart, and ``a`` adds the article.
"""

KINDS = """
[pet]
= User has {a petkind} called {pet} | {petkind}'s name | pet
we've got {a petkind} called {pet}
my {petkind} is called {pet}
I have {a petkind}, {pet}
our new {petkind}'s name is {pet}
we adopted {a petkind} and named it {pet}
{pet} is my {petkind}
~ the {petkind} we took in goes by {pet}
~ I share my flat with {a petkind} named {pet}
= {pet} is afraid of {scare}
{pet} is afraid of {scare}
{pet} is scared of {scare}, poor thing
{pet} panics because of {scare}
> {scare} scare it to death
> it's afraid of {scare}
~ {pet} hides under the bed from {scare}
~> it runs away from {scare}
= {pet} sees the vet on {date} | vet appointment | date
{pet} has to see the vet on {date}
the vet wants to see {pet} on {date}
{pet}'s vet appointment is on {date}
> we're at the vet's on {date}
> the vet appointment is on {date}
~ I booked {pet} in at the vet for {date}
~> it's due at the vet on {date}
= {pet} cannot eat {food}
{pet} can't have {food}
never give {pet} any {food}
{pet} gets ill from {food}
> it must not eat {food}
> no {food} for it, ever
~ {food} makes {pet} sick
~> it's allergic to {food}

[allergy]
= User is allergic to {allergen} | allergy | allergen
I'm allergic to {allergen}
I have an allergy to {allergen}
it turns out I'm allergic to {allergen}
{allergen} gives me a rash, it's an allergy
the doctor confirmed that I'm allergic to {allergen}
don't forget my {allergen} allergy
~ my allergy test came back positive for {allergen}
~ anything with {allergen} puts me in hospital, I'm allergic
= User carries an {remedy}
I always carry an {remedy}
I've got an {remedy} in my bag
there's an {remedy} in my rucksack, in case
> so I carry an {remedy}
~ an {remedy} is always on me
= User does not like {food}
I can't stand {food}
I really don't like {food}
I hate {food}
no {food} for me please, I don't like it
never suggest {food}, I find it disgusting
not a fan of {food} at all
~ {food} is just not my thing
~ you won't get me to eat {food}

[guest diet]
= {name} is {diet} | {name}'s diet | diet
{name} is {diet}
my {relation} {name} is {diet}
{name} has gone {diet}
{name} only eats {diet} food
remember {name} is {diet}
~ we have {name} to feed, who's {diet}
~ {name} eats {diet} these days
= {name} cannot eat {food}
{name} can't eat {food}
{food} is off the menu for {name}
my {relation} {name} can't have {food}
{name} gets ill from {food}
> and {he} can't eat {food}
> {he} mustn't have {food}
~ keep {food} away from {name}
~> {food} makes {him} sick
= {name} loves {food2}
{name} loves {food2}
{name} adores {food2}
{food2} is {name}'s favourite
> {he} loves {food2} though
> {his} favourite is {food2}
~ {name} can't get enough of {food2}
~> {he} would eat {food2} every day

[child]
= User's {child} {name} is {n} years old
my {child} {name} is {n} years old
our {child} {name} is {n} now
{name}, my {child}, just turned {n}
I've got a {child}, {name}, who is {n}
my {child}'s called {name} and is {n}
~ {name} is our {child}, aged {n}
~ my {n}-year-old {child} is called {name}
= {name} goes to {school} | {name}'s school | school
{name} goes to {school}
{name} started at {school}
{name}'s school is {school}
> {he} goes to {school}
> {his} school is {school}
~ {name} has a place at {school}
~> they've put {him} in {school}
= {name}'s teacher is {teacher} | {name}'s teacher | teacher
{name}'s teacher is {teacher}
{teacher} is {name}'s new teacher
{name} has {teacher} this year
> {his} teacher is {teacher}
> {he}'s got {teacher} as a teacher
~ {teacher} teaches {name}'s class
~> {teacher} is the one who teaches {him}
= {name} is collected at {time} | {name}'s pick-up time | time
{name} has to be collected at {time}
pick-up for {name} is at {time}
> pick-up is at {time}
> I collect {him} at {time}
> {he} has to be collected at {time}
~ someone has to fetch {name} at {time}
~> {he}'s picked up at {time}

[birthday]
= {name}'s birthday is {date} | {name}'s birthday | date
{name}'s birthday is {date}
{name}'s birthday is on {date}
my {relation} {name} has {his} birthday on {date}
it's {name}'s birthday on {date}
{date} is {name}'s birthday
{name} was born on {date}
~ on {date} my {relation} {name} gets a year older
~ {name} blows out the candles on {date}
= {name} turns {age}
{name} is turning {age}
{name} turns {age} this year
> {he}'s going to be {age}
> {he} turns {age}
~ {name} will be {age}
~> this time {he} reaches {age}
= {name} wants {a gift} | {name}'s present | gift
{name} wants {a gift}
{name} would love {a gift} as a present
I'm getting {name} {a gift}, {he} asked for one
> {he} wants {a gift}
> {he} asked for {a gift}
~ {name} keeps hinting at {a gift}
~> {a gift} is on top of {his} list

[job]
= User works as {a job} | job | job
I work as {a job}
I'm {a job}
my new job: {job}
I've started as {a job}
I got the job, I'm {a job} now
I've been {a job} for years
~ {a job} is what I am these days
~ they hired me as {a job}
= User works at {company} | employer | company
I work at {company}
I'm at {company} now
{company} hired me
my employer is {company}
I've signed with {company}
~ my badge says {company}
~ {company} pays my salary
= User's manager is {name} | manager | name
my manager is {name}
{name} is my manager
I report to {name}
my boss is called {name}
~ the person above me is {name}, my manager
~ {name} runs my department and is my manager
= User starts work on {date} | start date | date
I start on {date}
my first day is {date}
> they want me there from {date}
the start date is {date}
~ day one at work is {date}
~ I begin the job on {date}

[work days]
= User works from {day} to {day2}
I work {day} to {day2}
my work week is {day} to {day2}
I'm working {day} to {day2}
from now on I work from {day} to {day2}
~ my shifts run {day} to {day2}
~ you'll find me at work {day} to {day2}
= User works from home on {day3}s | home office day | day3
I work from home on {day3}s
{day3}s I'm at home with my laptop
{day3} is my home office day
no office on {day3}s, I work from home
~ my desk on {day3}s is the kitchen table at home
~ every {day3} I stay at home to work
= User takes no calls before {hour}
no calls before {hour} please
I don't take calls before {hour}
never book a call before {hour}
don't put any call in my calendar before {hour}
~ nobody gets me on the phone before {hour}
~ my phone stays off until {hour}, so no calls before

[meeting]
= Team meets on {day}s at {time} | team meeting | time
our team meets on {day}s at {time}
the team meeting is every {day} at {time}
team meeting: {day}s, {time}
we meet as a team on {day}s at {time}
~ {day}s at {time} is when the team gets together
~ the weekly team round is {day}, {time}
= Meetings are in {room} | meeting room | room
meetings are in {room}
we meet in {room}
the meetings moved to {room}
> it's in {room}
~ {room} is booked for the meetings
~ you'll find us in {room} for meetings
= {name} takes the notes
{name} takes the notes
{name} writes the notes
notes are {name}'s job
> {name} does the notes
~ {name} is on note duty
~ ask {name} for the notes

[project]
= Project {project} is due on {date} | deadline of {project} | date
project {project} is due on {date}
the deadline for {project} is {date}
we have to deliver {project} on {date}
{project} must be finished on {date}
{project} has to be done by {date}
deadline for {project}: {date}
~ {date} is the day {project} must go out
~ the client expects {project} on {date}
= {name} leads {project} | lead of {project} | name
{name} leads {project}
{name} is in charge of {project}
{project} is {name}'s project
> {name} is in charge of it
> {name} leads it
~ {name} took over {project}
~> {name} runs the show there
= {project} has a budget of {money} | budget of {project} | money
the budget for {project} is {money}
{project} has a budget of {money}
{project} may cost {money}
> there's a budget of {money}
> we've got {money} for it
~ they gave {project} {money} to spend
~> it can't cost more than {money}
= The client is {company} | client | company
the client is {company}
{company} is the client
we're doing this for {company}
> it's for {company}
~ {company} ordered it
~ our customer here is {company}

[stack]
= User's team uses {database} | database | database
we use {database}
our database is {database}
we've settled on {database}
the team decided: {database} it is
we agreed on {database} as the database
~ all our data sits in {database}
~ {database} won the vote
= Backend is written in {proglang} | backend language | proglang
the backend is in {proglang}
our backend is written in {proglang}
backend language: {proglang}
we write the backend in {proglang}
~ everything on the server is {proglang}
~ {proglang} runs the backend
= Production runs version {version} | production version | version
production is on version {version}
production runs {version}
version {version} is in production
prod is at {version}
~ what's live is version {version}
~ customers are on version {version}
= Nobody deploys on {day}s
nobody deploys on {day}s
no deploys on {day}s
we never deploy on a {day}
deploying on {day}s is forbidden
~ {day}s are off limits for deploys
~ releases on a {day} are banned

[code style]
= User codes in {proglang} {version} | language version | version
I code in {proglang} {version}
I'm on {proglang} {version}
my code has to run on {proglang} {version}
use {proglang} {version} when you write code for me
~ give me code for {proglang} {version}
~ {proglang} {version} is what I have
= User tests with {testtool} | test tool | testtool
I test with {testtool}
all tests are in {testtool}
tests please in {testtool}
we use {testtool} for tests
~ {testtool} is our test runner
~ write my tests with {testtool}
= Lines have at most {linelen} characters | line length | linelen
lines have at most {linelen} characters
keep lines under {linelen} characters
max line length is {linelen}
line limit: {linelen} characters
~ nothing may be longer than {linelen} characters a line
~ the linter cuts at {linelen} characters
= User's editor is {editor} | editor | editor
my editor is {editor}
I use {editor}
I write everything in {editor}
I've switched to {editor}
~ {editor} is my editor of choice
~ I live in {editor} all day

[answers]
= User wants {style} answers
I want {style} answers
please give me {style} answers
keep your answers {style}
from now on only {style} answers
I prefer {style} answers
~ {style} answers work best for me
~ make every answer {style}
= User wants no {dislike}
no {dislike} please
don't use {dislike}
leave out {dislike}
stop using {dislike}
and never any {dislike}
~ spare me the {dislike}
~ I can do without {dislike}
= User uses {unit}
I use {unit}
always convert to {unit}
everything in {unit} please
give me {unit}, always
~ I think in {unit}
~ {unit} are what I understand
= User wants {spelling} spelling | spelling | spelling
use {spelling} spelling
{spelling} spelling, please
I need {spelling} spelling
write everything in {spelling} spelling
~ my readers expect {spelling} spelling
~ the house rule is {spelling} spelling

[flight]
= User flies to {place} on {date} | flight to {place} | date
I fly to {place} on {date}
my flight to {place} is on {date}
we're flying to {place} on {date}
I'm off to {place} on {date}, by plane
flight to {place}: {date}
I've booked a flight to {place} for {date}
~ on {date} I take the plane to {place}
~ {date} is when I fly out to {place}
= User's flight is {flight} | flight number | flight
the flight number is {flight}
it's flight {flight}
I'm on {flight}
my flight is {flight}
~ the ticket says {flight}
~ look out for flight {flight}
= {name} travels with the user
{name} is coming with me
{name} is coming along
I'm travelling with {name}
my {relation} {name} comes too
~ {name} has the seat next to mine
~ {name} joins me on the trip
= User sits by the {seat}
{seat} seat, always
I always want a {seat} seat
book me a {seat} seat
I only sit at the {seat}
~ give me the {seat} whenever you can
~ the {seat} is where I like to sit

[hotel]
= User stays at {hotel} in {place} | hotel | hotel
I'm staying at {hotel} in {place}
we booked {hotel} in {place}
my hotel in {place} is {hotel}
in {place} I stay at {hotel}
~ {hotel} is our base in {place}
~ in {place} they put us up at {hotel}
= User's room is {roomno} | room number | roomno
my room is {roomno}
room number {roomno}
I'm in room {roomno}
they gave me room {roomno}
~ come and knock at {roomno}
~ the key card is for {roomno}
= Check-in is at {hour} | check-in time | hour
check-in is at {hour}
check-in starts at {hour}
we can check in from {hour}
~ the room is ours from {hour}, that's check-in
~ they let us in at {hour}
= User needs {hotelneed}
I need {hotelneed}
please always book {hotelneed}
it must have {hotelneed}
I can't do without {hotelneed}
~ {hotelneed} is a must
~ make sure there's {hotelneed}

[medicine]
= User takes {dose} of {medicine} | {medicine} dose | dose
I take {dose} of {medicine}
I'm on {medicine}, {dose}
my doctor put me on {dose} of {medicine}
{medicine}, {dose}, that's what I take
I'm supposed to take {dose} of {medicine} every day
~ the prescription is {dose} of {medicine}
~ every day it's {dose} of {medicine} for me
= User's doctor is {doctor} | doctor | doctor
my doctor is {doctor}
{doctor} is my GP
I see {doctor}
I'm a patient of {doctor}
~ {doctor} looks after me
~ for anything medical I go to {doctor}
= User has a check-up on {date} | check-up | date
my check-up is on {date}
I've got a check-up on {date}
next check-up: {date}
> I have to go back for a check-up on {date}
~ they want me in for a check-up on {date}
~ {date} is my next check-up
= User has {condition}
I have {condition}
I've been diagnosed with {condition}
I've got {condition}
I live with {condition}
~ the doctors say it's {condition}
~ turns out I suffer from {condition}

[injury]
= User has a bad {bodypart} | {bodypart} | bodypart
I've got a bad {bodypart}
my {bodypart} is bad
I hurt my {bodypart}
my {bodypart} is injured
had surgery on my {bodypart}
~ my {bodypart} isn't what it was
~ there's something wrong with my {bodypart}
= User should not do {exercise}
so no {exercise}
the physio says no {exercise}
I'm not allowed to do {exercise}
leave {exercise} out of my workouts
> that means no {exercise} for me
~ {exercise} is forbidden for me
~ keep {exercise} out of the plan
= User may do {exercise2}
{exercise2} is fine
{exercise2} is allowed
but I can do {exercise2}
I'm still allowed {exercise2}
~ nothing against {exercise2}
~ {exercise2} does me good

[diet]
= User is {diet} | diet | diet
I'm {diet}
I've gone {diet}
I'm {diet} since the summer
as of this week I'm {diet}
remember that I'm {diet}
~ I eat {diet} only
~ call me {diet} from now on
= User eats {calories} calories a day | calorie goal | calories
I eat {calories} calories a day
my limit is {calories} calories a day
{calories} calories a day, that's my target
I aim for {calories} calories
~ {calories} calories is all I get each day
~ the dietitian allows me {calories} calories
= User gave up {treat}
I gave up {treat}
I've quit {treat}
no more {treat} for me
I've stopped having {treat}
~ I'm done with {treat}
~ {treat} and I have parted ways

[drink]
= User drinks {drink} | usual drink | drink
I drink {drink}
my usual is {drink}
{drink} for me, always
I only drink {drink}
I've switched to {drink}
make it {drink} when you order for me
~ a cup of {drink} is how I start the day
~ you can't go wrong with {drink} for me
= {name} drinks {drink2}
{name} drinks {drink2}
{name} takes {drink2}
for {name} it's {drink2}
~ {name} wants {drink2} and nothing else
~ get {drink2} for {name}
= User has no caffeine after {hour}
no caffeine after {hour}
I don't have caffeine after {hour}
caffeine after {hour} keeps me awake, so never
~ caffeine is off the table after {hour}
~ past {hour} I stay away from caffeine

[budget]
= User's {expense} budget is {money} a month | {expense} budget | money
my {expense} budget is {money} a month
I can spend {money} a month on {expense}
{money} a month for {expense}, not more
{expense}: at most {money} a month
I've set my {expense} budget to {money} a month
~ {expense} may cost me {money} a month
~ I allow myself {money} a month for {expense}
= User shops at {shop} | shop | shop
I shop at {shop}
I buy everything at {shop}
we do our shopping at {shop}
~ {shop} is where I get my stuff
~ my shop is {shop}
= User is paid on {ordinal} | payday | ordinal
I get paid on {ordinal}
payday is {ordinal}
my salary comes on {ordinal}
~ the money arrives on {ordinal}
~ on {ordinal} I get my wages

[rent]
= User's rent is {money} | rent | money
my rent is {money}
the rent is {money}
we pay {money} in rent
rent's {money} from now on
the landlord wants {money} rent
~ {money} goes to the landlord as rent
~ the flat costs {money} in rent
= Rent is due on {ordinal} | rent due day | ordinal
rent is due on {ordinal}
it's due on {ordinal}, the rent
the rent has to be paid on {ordinal}
~ the landlord wants the rent on {ordinal}
~ rent leaves my account on {ordinal}
= User's landlord is {teacher} | landlord | teacher
my landlord is {teacher}
{teacher} is the landlord
the flat belongs to {teacher}, my landlord
~ {teacher} owns the place, that's my landlord
~ talk to {teacher}, the landlord
= Lease ends in {month} {year} | end of the lease | year
the lease ends in {month} {year}
my lease runs out in {month} {year}
the lease goes until {month} {year}
~ I'm bound by the lease until {month} {year}
~ in {month} {year} the lease is up

[car]
= User drives {a carcolour} {carmodel} | car | carmodel
I drive {a carcolour} {carmodel}
my car is {a carcolour} {carmodel}
we bought {a carcolour} {carmodel}
I've got {a carcolour} {carmodel}
~ {a carcolour} {carmodel} is parked outside, it's mine
~ I'm the one with the {carcolour} {carmodel}
= Number plate is {plate} | number plate | plate
the number plate is {plate}
number plate: {plate}
plate's {plate}
> it has the plate {plate}
~ look for the plate {plate}
~ the registration is {plate}
= Car service is on {date} | car service | date
the car service is on {date}
the car goes in for service on {date}
> it's booked for a service on {date}
the garage has the car on {date} for its service
~ service day for the car is {date}
~ on {date} the car gets its service
= Tyre pressure is {pressure} bar | tyre pressure | pressure
tyre pressure is {pressure} bar
the tyres need {pressure} bar
{pressure} bar in the tyres
~ pump the tyres to {pressure} bar
~ the tyres are at {pressure} bar

[bike]
= User rides {a bikebrand} bike | bike | bikebrand
I ride {a bikebrand} bike
my bike is {a bikebrand}
I bought {a bikebrand} bike
I've got a new bike, {a bikebrand}
~ {a bikebrand} is my bike
~ I get around on my {bikebrand} bike
= Bike takes {inch} inch tubes | tube size | inch
it takes {inch} inch tubes, the bike
the bike takes {inch} inch tubes
tubes for the bike: {inch} inch
> it needs {inch} inch tubes
~ buy {inch} inch tubes for the bike
~ the bike has {inch} inch wheels and tubes
= {name} repairs the bike | bike mechanic | name
{name} repairs my bike
{name} is my bike mechanic
I take the bike to {name} for repairs
> {name} does the repairs
~ {name} fixes whatever breaks on the bike
~ the bike is in {name}'s hands for repairs

[club]
= User is in the {club} club on {day}s | {club} club day | day
I'm in the {club} club, on {day}s
I go to {club} club on {day}s
{club} club is on {day}s
I joined the {club} club, we meet on {day}s
our {club} club meets every {day}
~ {day}s are {club} club for me
~ every {day} you'll find me at {club} club
= Club meets at {venue} | club's venue | venue
the club meets at {venue}
> we meet at {venue}
> it's at {venue}
the club's at {venue} now
~ {venue} is where the club gets together
~> {venue} lets us in
= Club fee is {money} | club fee | money
the club fee is {money}
> it costs {money}
> the fee is {money}
membership of the club costs {money}
~ the club takes {money} from each of us
~> they charge {money}
= {name} runs the club | head of the club | name
{name} runs the club
the club is run by {name}
> {name} runs it
> {name} is in charge
~ {name} was elected head of the club
~> {name} organises everything

[music]
= User plays the {instrument} | instrument | instrument
I play the {instrument}
I've taken up the {instrument}
I'm learning the {instrument}
my instrument is the {instrument}
I've started {instrument} lessons, I play it every day
~ the {instrument} is my thing now
~ I practise the {instrument}
= Lessons are on {day}s with {name} | lesson day | day
lessons are on {day}s with {name}
I have lessons with {name} on {day}s
{name} teaches me on {day}s
my lesson is every {day} with {name}
~ {day} is lesson day with {name}
~ on {day}s {name} gives me a lesson
= User does not practise after {hour}
no practice after {hour}
I can't practise after {hour}
after {hour} I don't practise, because of the neighbours
~ the neighbours want quiet from {hour}, so no practice
~ practice stops at {hour}

[race]
= User runs the {place} {race} on {date} | {place} {race} | date
I'm running the {place} {race} on {date}
the {place} {race} is on {date} and I'm in
I signed up for the {place} {race} on {date}
on {date} I run the {place} {race}
~ I've got a place in the {place} {race} on {date}
~ {date}: {place} {race}, I'm running
= User wants to finish in {duration} | target time | duration
my goal is {duration}
I want to finish in {duration}
target time: {duration}
I'm aiming for {duration}
~ {duration} would make me happy
~ I'd like to get round in {duration}
= User trains on {day}s and {day2}s
I train on {day}s and {day2}s
training days are {day}s and {day2}s
I go running {day}s and {day2}s
~ {day}s and {day2}s are for training
~ you can plan training on {day}s and {day2}s
= User's shoe size is {shoesize} | shoe size | shoesize
my shoe size is {shoesize}
I take a {shoesize} in shoes
shoe size {shoesize}
my shoes are {shoesize}
~ shoes have to be {shoesize}
~ I wear {shoesize} on my feet

[language]
= User is learning {language} | language course | language
I'm learning {language}
I've started learning {language}
I'm taking {language} lessons
my new project is learning {language}
~ I'm trying to pick up {language}
~ {language} is what I study these days
= User's level is {level} | level | level
I'm at level {level}
my level is {level}
I've reached {level}
I'm about {level}
~ the test put me at {level}
~ {level}, that's my level
= Exam is on {date} | exam | date
the exam is on {date}
I take the exam on {date}
exam date: {date}
my exam's on {date}
~ on {date} I sit the exam
~ they test us on {date}
= User studies with {app}
I study with {app}
I use {app} for it
I'm using {app}
~ {app} is what I practise with
~ I do my lessons in {app}

[books]
= User reads {genre} | favourite genre | genre
I read {genre}
my favourite genre is {genre}
I mostly read {genre}
I love {genre}
~ give me {genre} and I'm happy
~ {genre} fills my shelves
= User does not read {genre2}
no {genre2} please
I don't read {genre2}
I can't stand {genre2}
never recommend {genre2}
~ keep {genre2} away from me
~ {genre2} bores me
= Favourite author is {author} | favourite author | author
my favourite author is {author}
I love everything by {author}
{author} is my favourite author
~ nobody writes like {author}, my favourite
~ I've read all of {author}, my favourite
= User prefers {format}
I prefer {format}
{format} only
only {format}, please
I want {format}
~ if there are {format}, I take those
~ {format} suit me best

[address]
= User lives in {place} | home | place
I live in {place}
I've moved to {place}
we live in {place} now
home is {place}
I'm based in {place}
~ {place} is where I call home
~ we've settled in {place}
= User's address is {house} {street} | address | house
my address is {house} {street}
it's {house} {street}
send everything to {house} {street}
the new address is {house} {street}
~ post goes to {house} {street}
~ you'll find us at {house} {street}
= User lives on floor {n}
I live on floor {n}
we're on floor {n}
the flat's on floor {n}, no lift
~ it's up on floor {n}
~ come up to floor {n}

[contact]
= User's number ends in {digits} | phone number | digits
my phone number ends in {digits}
my new number ends in {digits}
my number is the one ending in {digits}
I've got a new phone number, it ends in {digits}
~ reach me on the number that ends in {digits}
~ the last digits of my number are {digits}
= User prefers {channel} | contact preference | channel
I prefer {channel}
contact me by {channel}
{channel} is best for me
use {channel} to reach me
~ {channel} works better than anything else for me
~ you'll get me fastest by {channel}
= Emergency contact is {name} | emergency contact | name
my emergency contact is {name}
in an emergency call {name}, my contact
emergency contact: {name}
my {relation} {name} is my emergency contact
~ if anything happens to me, ring {name}
~ {name} is the one to call in an emergency

[household]
= {name} cooks on {day}s | {name}'s cooking day | day
{name} cooks on {day}s
on {day}s {name} cooks
{name} has agreed to cook on {day}s
cooking on {day}s is {name}'s job
~ {day}s belong to {name} in the kitchen, cooking
~ {name} is the cook on {day}s
= Bins go out on {day2}s | bin day | day2
bins go out on {day2}s
the bins go out every {day2}
bin day is {day2}
~ they empty the bins on {day2}s
~ put the bins out on {day2}s
= {name2} cleans the {housepart}
{name2} cleans the {housepart}
the {housepart} is {name2}'s to clean
{name2} is responsible for cleaning the {housepart}
~ {name2} took over cleaning the {housepart}
~ cleaning the {housepart} falls to {name2}
= No {banned} in the house
no {banned} in the house
new rule, no {banned} in the house
we don't allow {banned} in the house
~ the house is free of {banned}
~ {banned} are not welcome in the house

[garden]
= User grows {plant}
I grow {plant}
I've planted {plant}
there are {plant} in my garden
I'm growing {plant} this year
~ my beds are full of {plant}
~ {plant} do well on my balcony
= {plant2} get water every {n} days
the {plant2} get water every {n} days
water the {plant2} every {n} days
my {plant2} need water every {n} days
~ every {n} days the {plant2} get a drink
~ the {plant2} want water each {n} days
= Soil is {soil} | soil | soil
the soil is {soil}
I've got {soil} soil
our garden has {soil} soil
~ it's {soil} all the way down
~ what we have is {soil} soil

[appliance]
= {appliance} is {a brand} {model} | {appliance} | model
the {appliance} is {a brand} {model}
my {appliance} is {a brand} {model}
we've bought a new {appliance}, {a brand} {model}
our {appliance}: {brand} {model}
~ {a brand} {model} is the {appliance} we have
~ the label on the {appliance} says {brand} {model}
= Warranty ends in {month} {year} | warranty | year
the warranty ends in {month} {year}
it's under warranty until {month} {year}
warranty runs out in {month} {year}
~ we're covered by the warranty until {month} {year}
~ after {month} {year} there's no warranty
= Filter is changed every {n} months
the filter is changed every {n} months
change the filter every {n} months
the filter has to be changed every {n} months
~ every {n} months it needs a new filter
~ a fresh filter every {n} months, says the manual
= Receipt is in the {container} | place of the receipt | container
the receipt is in the {container}
I put the receipt in the {container}
you'll find the receipt in the {container}
~ look in the {container} for the receipt
~ the receipt went into the {container}

[clothes]
= User wears size {clothsize} | size | clothsize
I wear size {clothsize}
my size is {clothsize}
I'm a size {clothsize}
clothes in {clothsize} fit me, that's my size
~ order everything in size {clothsize} for me
~ {clothsize} is my size
= User wears only {fabric}
I only wear {fabric}
only {fabric}, please
I wear nothing but {fabric}
~ it has to be {fabric}
~ my skin tolerates only {fabric}
= User's favourite colour is {colour} | favourite colour | colour
my favourite colour is {colour}
I love {colour}, it's my favourite colour
favourite colour: {colour}
~ if there's a choice, {colour} is my colour
~ {colour} suits me, my favourite

[delivery]
= Spare key is with {name} | spare key | name
the spare key is with {name}
{name} has the spare key
I left the spare key with {name}
our neighbour {name} keeps the spare key
~ ask {name} for the spare key
~ {name} looks after the spare key
= Parcels go to {house} {street} | parcel address | house
parcels go to {house} {street}
send parcels to {house} {street}
parcels should be delivered to {house} {street}
~ have parcels left at {house} {street}
~ the parcel address is {house} {street}
= Plumber comes on {date} at {time} | plumber's visit | date
the plumber comes on {date} at {time}
plumber on {date} at {time}
we've got the plumber on {date} at {time}
~ on {date} at {time} the plumber is here
~ the plumber said {date}, {time}

[study]
= User studies {subject} in {place} | course of study | subject
I study {subject} in {place}
I'm studying {subject} in {place}
I got into {subject} in {place}
I'm a {subject} student in {place}
~ my degree is in {subject}, in {place}
~ {place} is where I do {subject}
= Thesis is due on {date} | thesis deadline | date
my thesis is due on {date}
the thesis has to be in on {date}
thesis deadline: {date}
I hand in my thesis on {date}
~ on {date} the thesis must be handed in
~ they expect my thesis on {date}
= Supervisor is {doctor} | supervisor | doctor
my supervisor is {doctor}
{doctor} supervises me
{doctor} is my supervisor
~ the thesis is supervised by {doctor}
~ I'm with {doctor} as a supervisor
= Lectures are in {room} | lecture room | room
lectures are in {room}
the lectures are held in {room}
we have lectures in {room}
~ {room} is where the lectures happen
~ go to {room} for the lectures

[subscription]
= User cancelled the {service} subscription
I cancelled the {service} subscription
I've got rid of my {service} subscription
the {service} subscription is cancelled
~ my {service} subscription is history
~ I ended the {service} subscription
= User pays {money} for the {service2} | {service2} price | money
I pay {money} for the {service2}
the {service2} costs me {money}
I kept the {service2}, it's {money}
~ {money} goes to the {service2}
~ they take {money} for the {service2}
= Contract ends on {date} | end of the contract | date
the contract ends on {date}
my contract runs until {date}
contract's up on {date}
~ I'm free of the contract on {date}
~ the contract lasts until {date}

[saving]
= User is saving for {a purchase} | savings goal | purchase
I'm saving for {a purchase}
I'm putting money aside for {a purchase}
I'm saving up for {a purchase}
we're saving for {a purchase}
~ every coin goes towards {a purchase}, I'm saving
~ {a purchase} is what I save for
= User saves {money} a month | monthly savings | money
I save {money} a month
I put away {money} a month
{money} a month goes into savings
~ each month I set {money} aside, so {money} a month
~ my savings grow by {money} a month
= User wants it by {month} {year} | target date | year
I want it by {month} {year}
I'd like to have it by {month} {year}
it should be mine by {month} {year}
> I need it by {month} {year}
~ {month} {year} is when I want it
~ the plan is to have it by {month} {year}

[name]
= User is called {name} | name | name
my name is {name}
I'm {name}
please call me {name}
call me {name} from now on
I go by {name}
~ everybody knows me as {name}
~ use {name} when you write to me
= User's surname is {surname} | surname | surname
my surname is {surname}
my last name is {surname}
surname: {surname}
I'm a {surname} now, that's my surname
~ the surname on my passport is {surname}
~ sign with {surname}, my surname
= User's pronouns are {pronouns} | pronouns | pronouns
my pronouns are {pronouns}
pronouns: {pronouns}
I use {pronouns} pronouns
~ please refer to me with {pronouns}
~ it's {pronouns} for me

[access]
= User uses a {aid}
I use a {aid}
I need a {aid}
I've got a {aid} now
I rely on a {aid}
~ without a {aid} I'm lost
~ my {aid} goes wherever I go
= User cannot {inability}
I can't {inability}
I'm not able to {inability}
I can no longer {inability}
because of my illness I can't {inability}
~ don't expect me to {inability}, I can't
~ it's impossible for me to {inability}
= User needs {accneed}
I need {accneed}
please make sure there's {accneed}
I always need {accneed}
~ there has to be {accneed} for me
~ I depend on {accneed}

[business]
= User runs {a shopkind} called {business} | {shopkind}'s name | business
I run {a shopkind} called {business}
my {shopkind} is called {business}
I've opened {a shopkind}, {business}
{business} is my {shopkind}
~ the sign over my {shopkind} says {business}
~ I own {a shopkind} by the name of {business}
= {business} closes on {day}s | closing day | day
{business} is closed on {day}s
{business} closes on {day}s
> we close on {day}s
> we're closed on {day}s
~ {day}s nobody works at {business}
~> {day} is our day off
= {business} opens at {time} | opening time | time
{business} opens at {time}
> we open at {time}
> doors open at {time}
~ you can come to {business} from {time}
~> from {time} on we're open
= Supplier is {company} | supplier | company
our supplier is {company}
we buy from {company}
the supplier is {company}
~ {company} delivers to us
~ all our goods come from {company}

[party]
= {name}'s {event} is on {date} | {name}'s {event} | date
{name}'s {event} is on {date}
the {event} for {name} is on {date}
we celebrate {name}'s {event} on {date}
{event} of {name}: {date}
~ on {date} we have {name}'s {event}
~ save {date} for {name}'s {event}
= {guests} guests are coming | number of guests | guests
{guests} guests are coming
we expect {guests} guests
we invited {guests} guests
there will be {guests} guests
~ we're cooking for {guests} guests
~ {guests} guests said yes
= Party is at {venue} | party venue | venue
the party is at {venue}
we booked {venue} for the party
it's at {venue}, the party
> it takes place at {venue}
~ {venue} is reserved for the party
~ we party at {venue}
= {name2} brings {food}
{name2} brings {food}
{name2} is bringing {food}
{food} comes from {name2}
~ {name2} promised to bring {food}
~ count on {name2} for {food}

[loan]
= User owes {name} {money} | debt to {name} | money
I owe {name} {money}
I borrowed {money} from {name}
{name} lent me {money}
I still owe {name} {money}
~ {money} is what I owe {name}
~ I'm {money} in debt to {name}
= User pays back {money2} a month | repayment | money2
I pay back {money2} a month
we agreed on {money2} a month
{money2} a month, until it's paid
~ each month {money2} goes back, so {money2} a month
~ I return {money2} a month
= {name} wants payment by {payway}
{name} wants it by {payway}
{name} prefers {payway}
> {he} wants {payway}
> by {payway}, please, {he} said
~ with {name} it has to be {payway}
~> {he} only takes {payway}

[train]
= User takes the {time} train to {place} | train time | time
I take the {time} train to {place}
my train to {place} leaves at {time}
I'm on the {time} to {place} every day, the train
every morning it's the {time} train to {place}
~ at {time} my train to {place} goes
~ the {time} gets me to {place}
= Train leaves from platform {n} | platform | n
it leaves from platform {n}
the train leaves from platform {n}
platform {n}
~ be at platform {n}
~ my train waits at platform {n}
= Season ticket expires on {date} | season ticket | date
my season ticket expires on {date}
the season ticket runs out on {date}
season ticket until {date}
~ I need a new season ticket after {date}
~ the season ticket is good until {date}

[network]
= {device} is on port {port} | {device} port | port
the {device} is on port {port}
the {device} runs on port {port}
use port {port} for the {device}
~ you reach the {device} at port {port}
~ port {port} belongs to the {device}
= Backups run at {time} | backup time | time
backups run at {time}
the backup starts at {time}
we back up at {time} every night
~ every night at {time} there's a backup
~ the backup is scheduled for {time}
= {name} has admin rights
{name} has admin rights
only {name} has admin rights
admin rights are with {name}
~ {name} is the one with admin rights
~ we gave {name} the admin rights

[recipe]
= {dish} needs {minutes} minutes | {dish} | minutes
{dish} needs {minutes} minutes in the oven
my {dish} bakes for {minutes} minutes
{dish}: {minutes} minutes
~ take the {dish} out after {minutes} minutes
~ the {dish} is done in {minutes} minutes
= Oven is set to {degrees} degrees | oven temperature | degrees
set the oven to {degrees} degrees
the oven must be at {degrees} degrees
oven at {degrees} degrees
~ {degrees} degrees is right for my oven
~ my oven does it best at {degrees} degrees
= User replaces {food} with {food2}
I replace {food} with {food2}
I use {food2} instead of {food}
we swap {food} for {food2}
~ in our house {food2} takes the place of {food}
~ {food2} goes in where the book says {food}
= Recipes serve {n}
recipes should serve {n}
always scale recipes to {n} people
we're {n} people, so recipes for {n}
~ cook for {n} of us
~ every recipe has to be for {n}

[~aquarium]
= Aquarium holds {litres} litres | aquarium | litres
the aquarium holds {litres} litres
my fish tank, an aquarium of {litres} litres, is up
= Water is changed on {day}s | water change | day
I change the water on {day}s
the water gets changed every {day}
= Fish get {fishfood}
the fish get {fishfood}
my fish eat {fishfood}

[~choir]
= User sings {voice} in the choir | voice | voice
I sing {voice} in the choir
my part in the choir is {voice}
= Concert is on {date} in {place} | concert | date
the concert is on {date} in {place}
we perform in {place} on {date}
= {name} conducts the choir | conductor | name
{name} conducts the choir
our choir is conducted by {name}

[~boat]
= User's boat is called {boat} | boat's name | boat
my boat is called {boat}
we've named the boat {boat}
= Boat lies at berth {roomno} | berth | roomno
the boat lies at berth {roomno}
> she's at berth {roomno}
= Boat is lifted out in {month} | lift-out | month
the boat is lifted out in {month}
> she comes out of the water in {month}

[~camera]
= User shoots with {a camera} | camera | camera
I shoot with {a camera}
my camera's {a camera}
= User prefers {film} film | film | film
I prefer {film} film
{film} film is all I load
= Exhibition opens on {date} | exhibition | date
the exhibition opens on {date}
my photos hang from {date}, that's when the exhibition opens

[~podcast]
= Podcast is called {business} | podcast's name | business
the podcast is called {business}
I host a podcast, {business}
= Episodes come out on {day}s | episode day | day
new episodes come out on {day}s
> we publish every {day}
= Episodes last {minutes} minutes | episode length | minutes
episodes last {minutes} minutes
each episode has {minutes} minutes

[~parking]
= Parking permit is {plate} | parking permit | plate
the parking permit is {plate}
my permit for parking has the number {plate}
= User parks in bay {n} | parking bay | n
I park in bay {n}
my bay is number {n}
= Permit costs {money} | permit price | money
the permit costs {money}
they charge {money} for the permit

[~dentist]
= Dentist appointment is on {date} at {time} | dentist appointment | date
the dentist sees me on {date} at {time}
my appointment at the dentist is {date}, {time}
= User's dentist is {doctor} | dentist | doctor
my dentist is {doctor}
{doctor} does my teeth, my dentist
= User cannot have {anaesthetic}
I can't have {anaesthetic}
{anaesthetic} is not for me, I react badly

[~volunteering]
= User volunteers at {venue} on {day}s | volunteering day | day
I volunteer at {venue} on {day}s
on {day}s I help out at {venue} as a volunteer
= User's badge number is {digits} | badge number | digits
my badge number is {digits}
they gave me badge {digits}
= {name} makes the rota | rota | name
{name} makes the rota
the rota is {name}'s work

[~tabletop game]
= User plays {hero} the {heroclass} | character | heroclass
I play {hero} the {heroclass}
my character is {hero}, {a heroclass}
= Game nights are on {day}s | game night | day
game night is {day}
we play on {day}s
= {name} is game master | game master | name
{name} is our game master
the game master is {name}
"""
