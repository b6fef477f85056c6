"""Templates of ``thinking``: situations with their wordings and steps.

A block begins with ``## KIND`` and a line of draws:

- ``a:2-12`` a whole number, ``p:$1-9/0.25`` money in steps, ``k:2|5`` a choice, ``t=a * b`` a value derived from
  others,
- ``x!legs`` a row of a table: the nouns are ``{x0}``, ``{x1}``, the number is ``x``,
- ``t@7-20`` a time of day within these hours, ``d%`` a weekday, ``?a>b`` a condition, ``neg`` allows results below
  zero.

Then follow wordings of training (``-``) and of held-out drafts (``~``), and the steps: ``=`` with label and expression
(``#1`` is the result of the first step), ``^`` or ``v`` the result before it rounded up or down to a whole number, and
``?`` a comparison of two values with the answers if it holds and if not. A line that begins with blanks continues the
one before. A block without ``-`` lines is for held-out drafts alone.
"""

ONE_STEP = """
## shopping
a:2-15 p:$1-20
- {A} buys {a} {things} at ${p} each. How much does {he} pay?
- {a} {things} at ${p} apiece, what's the total?
- One {thing} costs ${p}. How much for {a} of them?
- What will {a} {things} cost me if each one is ${p}?
- The {shop} sells {things} for ${p}. {A} takes {a}. What is the bill, in dollars?
~ A {thing} is priced at ${p}. {A} needs {a}. What does {A} owe at the till?
= Cost of the {things}: a * p

## shopping
a:2-8 p:$0.5-6/0.25
- {a} {treats} at ${p} each. What do they come to?
- How much are {a} {treats} if one costs ${p}?
- {A} orders {a} {treats}. Each is ${p}. What does {he} pay in all?
~ If a {treat} sells for ${p}, what do {a} of them cost?
= Cost of the {treats}: a * p

## change
p:$3-45 c:10|20|50 ?c>p
- {A} pays for a ${p} {thing} with a ${c} note. How much change does {he} get?
- Bill is ${p}, I hand over ${c}. Change?
- Something costs ${p} and you pay with ${c}. What comes back?
- {A} had ${c} and spent ${p} at the {shop}. How much is left?
~ The taxi was ${p} and {A} gave the driver ${c}. What should {he} get back?
= Change: c - p

## change
c:20|50 p:$2.5-18/0.05
- Change from ${c} if I spend ${p}?
- {A} buys a {thing} for ${p} and pays with ${c}. What change is due?
- My lunch was ${p}. I gave ${c}. How much should I get back?
~ {A} settles a ${p} bill with a ${c} note. How much does the waiter return?
= Change due: c - p

## unit price
a:2-12 p:$2-9 t=a*p
- {a} {things} cost ${t}. How much is one?
- A pack of {a} {things} is ${t}. What does one {thing} cost?
- {A} paid ${t} for {a} {things}, all the same price. What was the price of each?
- if {a} {treats} are ${t}, what's the price of a single {treat}?
~ For {a} {things} the {shop} asks ${t}. Price per {thing}?
= Price of one: t / a

## unit price
a:4|5|8|10|20|25 t:$1-12
- A pack of {a} {things} costs ${t}. What does one cost?
- {a} {treats} for ${t}. So how much is each one?
- Price per {treat}, when {a} of them are ${t}?
~ {A} got {a} {treats} for ${t} altogether. What did one {treat} come to?
= Price of one: t / a

## percent
k:5|10|15|20|25|30|40|50|60|75|80|90 b:20-400/20
- what's {k}% of {b}
- How much is {k}% of {b}?
- Find {k} percent of {b}.
- {k}% of the {b} {guests} at the {event} are children. How many children is that?
- Of {b} {things} on the shelf, {k}% are {colour}. How many are {colour}?
- The {shop} had {b} visitors, {k}% of them bought something. How many bought something?
~ {b} tickets were printed for the {event} and {k}% were sold. How many were sold?
~ Take {b}. What is {k} percent of it?
= Part of {b}: b * k / 100

## percent
b:20|25|40|50|80|200|400 k:5|10|15|20|25|30|35|40|45|55|60|70|75 a=b*k/100
- {a} of the {b} {things} are {colour}. What percent is that?
- {A} got {a} out of {b} points. What percentage?
- Rent takes {a} of my {b} a week. What percent is that?
- What percent of {b} is {a}?
~ {a} of {b} seats are taken. Which percentage is that?
= Percentage: a / b * 100

## tip
b:$10-120/2 k:5|10|15|20|25
- Dinner came to ${b}. How much is a {k}% tip?
- {k}% tip on ${b}?
- {A} wants to leave {k} percent on a bill of ${b}. How many dollars is the tip?
- What's the tip if we leave {k}% and the meal cost ${b}?
~ The haircut is ${b} and {A} tips {k}%. How much is the tip alone?
= Tip: b * k / 100

## distance
v:10-90/5 h:2-9
- A {vehicle} goes {v} km an hour for {h} hours. How far does it get?
- {A} drives at {v} mph for {h} hours. How many miles is that?
- how far in {h} h at {v} km/h
- At a steady {v} miles per hour, what distance does a {vehicle} cover in {h} hours?
~ A {vehicle} keeps up {v} km/h. Where is it, in km from the start, after {h} hours?
= Distance: v * h

## speed
v:8-80/4 h:2-8 d=v*h
- A {vehicle} covers {d} km in {h} hours. What is its average speed in km/h?
- {A} travels {d} miles in {h} hours. How many miles per hour is that?
- {d} km in {h} hours, what speed is that?
~ In {h} hours a {vehicle} puts {d} km behind it. Find its speed in km/h.
= Speed: d / h

## travel time
v:20-90/10 h:2-9 d=v*h
- How many hours does a {d} km trip take at {v} km/h?
- {A} has {d} miles to go and drives {v} miles per hour. How long will it take, in hours?
- the {place} is {d} km away, I go {v} km per hour. hours?
~ A {vehicle} at {v} km/h must cover {d} km. For how many hours is it on the road?
= Hours: d / v

## ages
a:5-40 b:2-15
- {A} is {a} and {B} is {b} years older. How old is {B}?
- {A} is {a} years old now. How old will {he} be in {b} years?
- {B} is {b} years older than {A}, who is {a}. {B}'s age?
~ In {b} years, what will be the age of {A}, who is {a} today?
= Age: a + b

## ages
a:16-70 b:2-15
- {A} is {a}. {His} {relative} is {b} years younger. How old is the {relative}?
- {A} is {a} today. How old was {he} {b} years ago?
- I'm {a}, my friend is {b} years younger. How old is my friend?
~ {b} years back, how old was {A}, who has just turned {a}?
= Age: a - b

## ages
a:3-15 k:2-6
- {A} is {a} and {his} {relative} is {k} times as old. How old is the {relative}?
- {B} is {k} times {A}'s age. {A} is {a}. How old is {B}?
~ Multiply {A}'s {a} years by {k} and you have {B}'s age. How old is {B}?
= Age of the other: a * k

## sharing
a:3-12 q:3-15 t=a*q
- {t} {treats} are shared equally among {a} children. How many does each get?
- {A} splits {t} {things} evenly between {a} friends. How many {things} each?
- {a} people share {t} {things} fairly. What does each one get?
- {A} puts {t} {things} into {a} {boxes}, the same number in each. How many per {box}?
- If {t} {treats} go round {a} plates equally, how many land on each plate?
~ {a} cousins divide {t} {treats} among themselves, all getting the same. What is one share?
= Each share: t / a

## packing
a:3-12 q:3-15 t=a*q
- {t} {things} are packed {a} to a {box}. How many {boxes} are needed?
- Each {box} holds {a} {things}. {A} has {t}. How many {boxes} can {he} fill?
- how many {boxes} for {t} {treats} if {a} fit in one?
~ {A} needs to store {t} {things}; one {box} takes {a}. Number of {boxes}?
= Number of {boxes}: t / a

## packing
a:2-14 q:3-24
- There are {a} {boxes} with {q} {things} in each. How many {things} are there?
- {A} has {a} {boxes} of {q} {treats}. How many {treats} is that altogether?
- {a} {boxes}, {q} {things} in every one. Total number of {things}?
- A {group} orders {a} {boxes} of {treats}, and every {box} has {q} inside. How many {treats} do they get?
~ {A} unpacks {a} {boxes}. Out of each come {q} {things}. How many are there in all?
= Number in all: a * q

## adding
a:5-90 b:5-90
- {A} has {a} {things} and gets {b} more. How many does {he} have now?
- {A} picked {a} {treats} and {B} picked {b}. How many did they pick together?
- There are {a} {things} in one {box} and {b} in another. How many in both?
- {a} people were at the {event} on Saturday and {b} on Sunday. How many on both days?
- On Monday {A} sold {a} {things}, on Tuesday {b}. What's the total for the two days?
~ {B} hands {A} {b} {things}. {A} already had {a}. What does {A} have after that?
= Number together: a + b

## taking away
a:20-120 b:3-90 ?a>b
- {A} had {a} {things} and gave away {b}. How many are left?
- There were {a} {treats} on the tray. {b} were eaten. How many remain?
- {a} people are on the {vehicle}, {b} get off. How many are still on it?
- Of {a} {things}, {b} are broken. How many are fine?
- {A} needs {a} {things} and has {b}. How many more does {he} need?
- A {reading} has {a} pages. {A} has read {b}. How many pages are left?
~ Out of {a} {things}, {A} lost {b} on the way. How many did {he} bring home?
= Number left: a - b

## comparing
a:15-99 b:3-90 ?a>b
- {A} has {a} {things}, {B} has {b}. How many more does {A} have?
- {A} read {a} pages and {B} read {b}. How many pages fewer did {B} read?
- There are {a} {things} and {b} {others}. How many more {things} than {others} are there?
- {A} scored {a} points, {B} {b}. By how many points did {A} win?
~ {a} {things} against {b} {others}: what is the difference?
= Difference: a - b

## comparing
a:3-30 k:2-6
- {A} has {a} {things}. {B} has {k} times as many. How many does {B} have?
- {B} ran {k} times as far as {A}, who ran {a} km. How many km did {B} run?
- A {thing} weighs {a} g. A {other} weighs {k} times as much. What does the {other} weigh in g?
~ For every {thing} of {A}'s, {B} owns {k}. {A} owns {a}. What is {B}'s number?
= Number of {B}: a * k

## fraction
k:2|3|4|5|6|8|10 q:3-25 t=k*q
- {A} has {t} {things} and gives a {k_th} of them to {B}. How many does {B} get?
- What is a {k_th} of {t}?
- A {k_th} of the {t} {guests} at the {event} came by bike. How many came by bike?
- {A} ate a {k_th} of {t} {treats}. How many {treats} did {he} eat?
- a {k_th} of {t} {things} are {colour}, so how many?
~ Of {t} seats, one {k_th} are empty. How many seats are empty?
= Part of {t}: t / k

## fraction
k:3|4|5|6|8 n:2-7 q:2-20 t=k*q ?k>n
- {n}/{k} of the {t} {things} are {colour}. How many are {colour}?
- What is {n}/{k} of {t}?
- {A} has read {n}/{k} of a {reading} with {t} pages. How many pages is that?
- {A} sold {n}/{k} of {his} {t} {treats}. How many did {he} sell?
~ Of {t} marks, {A} got {n}/{k}. How many marks did {A} get?
= Part of {t}: t * n / k

## rates
r:2-20 m:3-12
- A {machine} makes {r} {things} a minute. How many does it make in {m} minutes?
- {A} can fold {r} {things} per hour. How many in {m} hours?
- {A} reads {r} pages a day. How many pages in {m} days?
- A hose gives {r} litres a minute. How many litres after {m} minutes?
- {r} {things} every hour for {m} hours, how many is that?
~ In one hour {A} paints {r} {things}. How many will {he} have painted after {m} hours?
= Number made: r * m

## rates
r:2-20 m:3-15 t=r*m
- A {machine} makes {r} {things} a minute. How many minutes for {t}?
- Filling a {t} litre {tank}, the hose gives {r} litres a minute. How many minutes till it is full?
- {A} has a {reading} of {t} pages and reads {r} a day. How many days will it take {him}?
- {A} saves ${r} a week for a {goal} that costs ${t}. After how many weeks can {he} buy it?
- our {animal} eats {r} g a day. how many days does a {t} g bag last?
~ {t} {things} have to be checked and {A} manages {r} an hour. How many hours is that?
= Time needed: t / r

## saving
s:$3-40 w:4-30
- {A} saves ${s} every week. How much has {he} saved after {w} weeks?
- I put away ${s} a week. What do I have in {w} weeks?
- {A} earns ${s} an hour {job}. What does {he} earn in {w} hours?
- ${s} a month for {w} months, how much money is that?
~ Each week ${s} goes into {A}'s jar. What is in it when {w} weeks have passed?
= Money in all: s * w

## area
a:3-25 b:2-20
- A {field} is {a} m long and {b} m wide. What is its area in square metres?
- Area of a rectangle {a} cm by {b} cm?
- {A} wants to cover a {field} of {a} by {b} metres. How many square metres is that?
~ How large, in square metres, is a {field} with sides of {a} m and {b} m?
= Area: a * b

## area
a:3-40 x!shape
- A {x0} has {x} equal sides of {a} cm. What is its perimeter in cm?
- Each side of a regular {x0} is {a} cm. Perimeter?
- {A} walks once around a {field} shaped like a regular {x0}. Each side is {a} m. How many metres is that?
~ A fence runs round a regular {x0} of side {a} m. How long is the fence in metres?
= Perimeter: x * a

## volume
a:2-12 b:2-10 c:2-9
- A {box} is {a} cm long, {b} cm wide and {c} cm high. What is its volume in cubic cm?
- Volume of a block {a} by {b} by {c}?
- How many 1 cm cubes fill a box of {a} x {b} x {c} cm?
~ A {tank} measures {a} m by {b} m and is {c} m deep. How many cubic metres does it hold?
= Volume: a * b * c

## conversion
x!units a:2-12
- How many {x1s} are there in {a} {x0s}?
- {A} has {a} {x0s}. How many {x1s} is that?
- {a} {x0s} in {x1s}?
- convert {a} {x0s} to {x1s}
~ Give {a} {x0s} as {x1s}.
= Number of {x1s}: a * x

## conversion
x!short a:0.5-9/0.5 dec
- {a} {x0} is how many {x1}?
- How many {x1} are in {a} {x0}?
- I need {a} {x0} in {x1}. How many {x1} is that?
- {A} wrote down {a} {x0}. What is that in {x1}?
~ Change {a} {x0} into {x1}.
= Number of {x1}: a * x

## conversion
x!units a:2-12 t=a*x
- {t} {x1s} is how many {x0s}?
- How many {x0s} are {t} {x1s}?
- turn {t} {x1s} into {x0s}
~ {t} {x1s}: how many {x0s} does that make?
= Number of {x0s}: t / x

## temperature
a:-8-30 b:2-12 neg
- It is {a} degrees and gets {b} degrees colder. What is the temperature now?
- This morning it was {a}°C. By night it had dropped by {b} degrees. What was it then?
- from {a} °C down {b} degrees is what
~ The thermometer says {a}. It falls by {b} degrees. What does it say then?
= Temperature: a - b

## temperature
a:-12-20 b:3-15 neg
- It was {a} degrees at dawn and rose by {b}. What is the temperature now?
- Freezer at {a}°C, it warms up by {b} degrees. New temperature?
~ Starting at {a} °C, the water is heated by {b} degrees. How warm is it?
= Temperature: a + b

## counting
x!legs a:2-9
- How many legs do {a} {x0s} have?
- {a} {x0s}, how many legs altogether?
- {A} sees {a} {x0s}. How many legs is that?
~ Count the legs of {a} {x0s}.
= Legs: a * x

## counting
x!wheels a:3-12
- How many wheels do {a} {x0s} have?
- {a} {x0s} stand outside the {shop}. How many wheels is that in all?
~ A repair shop has {a} {x0s} in it. How many wheels can one count?
= Wheels: a * x

## combinations
a:2-7 b:2-7 ?a>b
- I packed {a} shirts and {b} pairs of trousers. How many different outfits can I make?
- {A} has {a} hats and {b} scarves. In how many ways can {he} wear one of each?
- The {shop} has {a} kinds of bread and {b} fillings. How many different sandwiches are possible?
~ A menu lists {a} starters and {b} mains. How many two-course meals can one choose?
= Combinations: a * b

## ratio
a:2-5 b:3-7 q:2-12 t=a*q ?b>a
- The ratio of cats to dogs is {a}:{b}. There are {t} cats. How many dogs are there?
- For every {a} {things} there are {b} {others}. With {t} {things}, how many {others}?
- Paint is mixed {a}:{b}, blue to white. I use {t} litres of blue. How many litres of white?
~ {A} mixes juice and water {a}:{b}. With {t} cups of juice, how many cups of water go in?
= Number of the other: t * b / a

## averages
a:2-8 q:3-30 t=a*q
- {A} scored {t} points in {a} games. What was {his} average per game?
- {t} {things} were sold in {a} days. How many a day, on average?
- {A} spent ${t} on {a} {items}. What is the average price?
~ Over {a} evenings {B} read {t} pages. What is that per evening on average?
= Average: t / a

## time
t@6-21 m:10-140/5
- my train leaves {t} and the ride takes {m} min. when do i get in?
- A film starts at {t} and runs {m} minutes. When is it over?
- {A} leaves at {t} and needs {m} minutes to the {place}. When does {he} arrive?
- It is {t}. What time is it in {m} minutes?
- The {event} begins at {t} and lasts {m} minutes. When does it end?
- {A} puts the bread in the oven at {t} for {m} min. When should it come out?
~ Starting at {t}, the {vehicle} takes {m} minutes. At what time does it get there?
~ {m} minutes after {t}, what does the clock show?
= End: t + m min

## time
t@7-22 m:5-90/5
- {A} must be there at {t} and the way takes {m} minutes. When should {he} leave?
- The class ended at {t} and was {m} minutes long. When did it start?
- The hall clock runs {m} minutes fast. It shows {t}. What is the real time?
- what time was it {m} minutes before {t}?
~ To be home by {t} after a ride of {m} minutes, when must {A} set off?
= Start: t - m min

## time
t@7-18 m:15-170/5 u=t+m_min
- How many minutes are there from {t} to {u}?
- The meeting is from {t} to {u}. How long is it in minutes?
- {A} left at {t} and came back at {u}. How many minutes was {he} away?
- Stand-up begins at {t} and the room is taken from {u}. How many minutes do we have?
~ The {vehicle} departs at {t} and arrives at {u}. How many minutes is it under way?
= Minutes between: u - t

## time
t@7-16 h:2-7 m=60*h
- It's {t} here and {B} is {h} hours ahead. What time is it where {B} lives?
- London is {h} hours ahead of my town. It is {t} here. What is the time in London?
- The ferry leaves at {t} and takes {h} hours. When does it land?
~ {A} starts work at {t} and works {h} hours. When is {he} done?
= Hours in minutes: h * 60
= Time there: t + #1 min

## weekday
d% n:2-25
- Today is {d}. What day is it in {n} days?
- {A} ordered a {thing} on a {d}. It comes {n} days later. Which weekday is that?
- if it's {d} now, what weekday is {n} days from now
- The {event} is {n} days after {d}. What day of the week is it?
~ Counting {n} days on from {d}, on which weekday do you land?
= Day: d + n days

## weekday
d% n:2-20
- Today is {d}. What day was it {n} days ago?
- The {event} was {n} days before {d}. Which weekday was that?
- what weekday comes {n} days before a {d}?
~ {A} called {n} days ago, and now it is {d}. On which day did {he} call?
= Day: d - n days

## queue
a:3-15 b:3-15
- I am {a_nth} from the front and {b_nth} from the back of a queue. How many people are in it?
- {A} stands {a_nth} from the left and {b_nth} from the right in a row. How many stand in the row?
~ In a line, {A} is number {a} from one end and number {b} from the other. How long is the line, in people?
= People in line: a + b - 1

## sums
a:12-99 b:3-40
- what is {a} * {b}?
- {a} times {b}
- Multiply {a} by {b}.
~ Work out {a} x {b}.
= Product: a * b

## sums
a:13-400 b:13-400 c:10-200
- {a} + {b} + {c} = ?
- Add {a}, {b} and {c}.
- sum of {a}, {b} and {c}
~ What do {a}, {b} and {c} make together?
= Sum: a + b + c

## parking
a:2-9 r:$2-6 f:$1-5
~ Parking costs ${f} plus ${r} an hour. {A} stays {a} hours. What does it cost?
~ A locker is ${f} to open and ${r} per hour. What are {a} hours?
= Cost: f + r * a

## stairs
a:3-12 b:8-22
~ A tower has {a} floors with {b} steps between each. How many steps in all?
~ {A} climbs {b} steps per floor for {a} floors. Steps climbed?
= Steps in all: a * b
"""

TWO_STEPS = """
## change
a:2-6 p:$2-9 c:20|50|100
- {A} buys {a} {things} at ${p} each and pays with ${c}. How much change does {he} get?
- {a} {things} cost ${p} each. I pay with a ${c} note. What do I get back?
- {A} had ${c}. {He} bought {a} {treats} for ${p} each. How much money does {he} have left?
- got {c} dollars, want {a} {things} at ${p}. what's left after?
~ Out of ${c}, {A} pays for {a} {things}, each ${p}. What remains in {his} purse?
= Cost of the {things}: a * p
= Change: c - #1

## two parts
a:2-9 p:$2-15 f:$2-20
- {A} orders {a} {things} at ${p} each, and shipping is ${f}. What is the total?
- {A} rents a boat for ${f} plus ${p} an hour. What do {a} hours cost?
- A taxi charges ${f} at the start and ${p} per km. How much is a {a} km ride?
- The {service} has a joining fee of ${f} and costs ${p} a month. What do {a} months cost?
~ Delivery is ${f} on top. How much are {a} {things} at ${p} each, delivered?
= Price of {a}: a * p
= With the fee: #1 + f

## two parts
a:2-12 p:$4-15 f:$3-20 ?a*p>f
- {A} sells {a} {things} at ${p} each and pays ${f} for the stall. How much money is left?
- A farm shop sells {a} {boxes} for ${p} each and has ${f} of costs. What is the profit?
- {A} earns ${p} an hour {job}. After {a} hours {he} spends ${f} on lunch. What does {he} have left?
- {a} {things} at ${p}, with a coupon for ${f} off. What do I pay?
~ For {a} hours of {job} {A} gets ${p} each, less ${f} for the bus. What does {he} keep?
= Money taken: a * p
= Less the costs: #1 - f

## discount
p:$20-400/20 k:5|10|15|20|25|30|40|50
- A {item} costs ${p} and is {k}% off. What do you pay?
- {item}, normal price ${p}, sticker says {k}% off. What do I pay at the till, in dollars?
- {A} gets {k} percent off a ${p} {item}. How much does {he} pay?
- The {shop} takes {k}% off everything. What is the sale price of a ${p} {item}?
~ With {k}% knocked off, what is the price of a {item} that was ${p}?
= Discount: p * k / 100
= Sale price: p - #1

## increase
p:20-400/20 k:5|10|15|20|25|30|50
- A {item} for ${p} goes up by {k}%. What is the new price?
- Dinner is ${p} and we add a {k}% tip. What do we pay altogether?
- {A} earns ${p} a day and gets a {k}% raise. What does {he} earn a day now?
- ${p} plus {k}% tax, total?
- The town had {p} trees and now has {k}% more. How many trees is that?
~ A fee of ${p} rises {k} percent. What is it after that?
= Increase: p * k / 100
= New amount: p + #1

## percent left
b:20-400/20 k:5|10|15|20|25|30|40|60|70|75|80
- {k}% of the {b} {things} are sold. How many are left?
- Of {b} people at the {event}, {k}% went home early. How many stayed?
- {A} had {b} {things} and gave {k}% of them away. How many does {he} still have?
- {b} seats, {k} percent taken. How many are free?
~ A {tank} with {b} litres loses {k}%. How many litres are in it then?
= Part gone: b * k / 100
= Number left: b - #1

## growth
b:20|25|40|50|80|200 k:5|10|20|25|30|40|50|60 u=b+b*k/100
- Membership went from {b} to {u}. By what percent did it grow?
- A price rises from ${b} to ${u}. What percent increase is that?
- last year {b} {things}, this year {u}. percent up?
~ The {group} had {b} people and has {u} now. How big is the growth in percent?
= Growth: u - b
= Percent of {b}: #1 / b * 100

## fraction left
k:2|3|4|5|6 q:3-25 t=k*q
- {A} has {t} {things}. {He} gives a {k_th} of them to {his} {relative}. How many are left?
- A {k_th} of the {t} {treats} were eaten. How many {treats} remain?
- {t} {guests} came to the {event}, and a {k_th} of them left early. How many stayed?
- a {reading} has {t} pages, I've read a {k_th}. pages to go?
~ Once a {k_th} of {t} {things} is gone, how many are there still?
= Part gone: t / k
= Number left: t - #1

## sharing
a:3-8 q:3-12 m:2-14 t=a*q-m ?t>0
- {A} has {t} {things} and buys {m} more. {He} shares them equally among {a} friends. How many does each get?
- There are {t} boys and {m} girls. They form {a} equal teams. How many are in each team?
- {t} {colour} and {m} {colour2} {things} go into {a} {boxes} equally. How many per {box}?
~ {A} adds {m} {treats} to {t} and deals all of them out to {a} people. What is one share?
= Number in all: t + m
= Each share: #1 / a

## sharing
a:3-8 q:3-12 m:2-14 t=a*q+m
- {A} has {t} {things}, keeps {m} and splits the rest equally among {a} friends. How many does each friend get?
- Of {t} {treats}, {m} fell on the floor. The others were shared by {a} children. How many did each child get?
- {t} pages, {m} read already, {a} days left. How many pages a day?
~ From {t} {things} {A} sets {m} aside and deals the others out to {a} people. One share is how many?
= Number to share: t - m
= Each share: #1 / a

## packing
a:3-9 q:4-12 m:3-30
- {A} has {a} {boxes} of {q} {things} and {m} loose ones. How many {things} does {he} have?
- There are {a} rows of {q} chairs and {m} more at the back. How many chairs are there?
- {a} {boxes} with {q} {treats} each plus {m} extra, how many in all?
~ Besides {m} single {things}, {A} owns {a} {boxes} with {q} in each. What is {his} total?
= In the {boxes}: a * q
= Number in all: #1 + m

## packing
a:3-12 q:4-12 m:3-40 ?a*q>m
- {A} bakes {a} trays of {q} {treats}. {m} are eaten. How many are left?
- The {group} buys {a} {boxes} of {q} {things} and uses {m}. How many remain?
- {a} packs of {q}, then {m} go missing. What's left?
~ {A} opened {a} {boxes} of {q} {things} and threw {m} out. How many did {he} keep?
= Number at first: a * q
= Number left: #1 - m

## packing
a:3-6 b:2-6 q:2-9
- {a} {boxes} hold {b} bags each, and each bag has {q} {things}. How many {things} is that?
- A {group} of {a} people works {b} hours a day for {q} days. How many hours is that in all?
- Each of {a} shelves has {b} {boxes} with {q} {things} in each. How many {things} are there?
- {A} runs {a} km {b} times a day. How many km is that in {q} days?
~ {a} floors, {b} rooms on each, {q} {things} in every room. How many {things}?
= Per group: a * b
= Number in all: #1 * q

## comparing
a:4-40 m:2-20
- {A} has {a} {things}. {B} has {m} more than {A}. How many do they have together?
- {A} picked {a} {treats}, {B} picked {m} more. How many did the two pick in all?
- {B} reads {m} pages more than {A}, who reads {a}. How many pages do both read together?
~ {B} beats {A}'s {a} points by {m}. What do their points add up to?
= Number of {B}: a + m
= Number together: a + #1

## comparing
a:20-60 m:2-19
- {A} has {a} {things}. {B} has {m} fewer. How many do they have altogether?
- There are {a} {things} and {m} fewer {others}. How many are there in total?
~ {B} brought {m} {things} less than {A}, who brought {a}. How many did they bring in all?
= The smaller number: a - m
= Number together: a + #1

## comparing
a:3-25 k:2-6
- {A} has {a} {things}. {B} has {k} times as many. How many do they have in total?
- {A} saved ${a} and {B} saved {k} times that much. How much did they save together?
- A {thing} costs ${a} and a {other} {k} times as much. What do the two cost together?
~ {B} has {k} {things} for each of {A}'s {a}. How many have both of them in all?
= Number of {B}: a * k
= Number together: a + #1

## comparing
a:3-25 k:2-6
- {A} has {a} {things}. {B} has {k} times as many. How many more does {B} have?
- {B} is {k} times as old as {A}, who is {a}. How many years older is {B}?
~ {B} caught {k} times {A}'s {a} fish. By how many did {B} catch more?
= Number of {B}: a * k
= Difference: #1 - a

## comparing
a:3-20 b:2-9 k:2-5
- {A} has {a} {things}. {B} has {b} more than {k} times as many. How many does {B} have?
- {B}'s score is {b} points more than {k} times {A}'s. {A} has {a}. What is {B}'s score?
~ Take {k} times {A}'s {a} {things} and add {b}: that is what {B} has. How many?
= {k} times as many: a * k
= Number of {B}: #1 + b

## comparing
a:6-30 b:2-9 k:2-5
- {A} has {a} {things}. {B} has {b} fewer than {k} times as many. How many does {B} have?
- A {other} costs ${b} less than {k} times the price of a {thing}. A {thing} is ${a}. What does the {other} cost?
~ {B} has {k} times {A}'s {a} {things}, minus {b}. How many is that?
= {k} times as many: a * k
= Number of {B}: #1 - b

## ages
a:6-30 k:2-4 n:2-10
- {A} is {a}. {B} is {k} times as old. How old will {B} be in {n} years?
- My {relative} is {k} times my age and I'm {a}. How old is my {relative} in {n} years?
~ {n} years from now, what is the age of {B}, who is {k} times as old as {A}, {a}?
= Age of {B} now: a * k
= Age in {n} years: #1 + n

## ages
k:2-6 q:4-15 n:2-10 t=k*q
- {B} is {t}, which is {k} times {A}'s age. How old will {A} be in {n} years?
- Mum is {t}, {k} times as old as me. How old am I in {n} years?
~ {t}-year-old {B} is {k} times as old as {A}. What age will {A} be {n} years on?
= Age of {A} now: t / k
= Age in {n} years: #1 + n

## speed
m:10|12|15|20|30|40|45 q:2-6 d=q*m/5 dec
- {A} cycled {d} km in {m} minutes. What is that in km per hour?
- {d} km in {m} min, how many km/h?
- A {vehicle} does {d} km in {m} minutes. Speed in km/h?
~ {m} minutes for {d} km: how fast is that in km/h?
= Hours: m / 60
= Speed: d / #1

## speed
v:30-80/10 h:2-6 g:2-5
- A {vehicle} goes {v} km/h for {h} hours and then {g} km more. How many km is the whole way?
- {A} drives {h} hours at {v} km/h and walks the last {g} km. How far is it in all?
~ After {h} hours at {v} km/h there are {g} km left to walk. How long is the whole trip in km?
= Distance driven: v * h
= Whole way: #1 + g

## speed
v:10-60/5 h:2-6 g:2-5 d=v*h
- A {vehicle} travels {d} km in {h} hours. How far does it get in {g} hours at that speed?
- {A} types {d} words in {h} minutes. How many words in {g} minutes?
- {h} {things} weigh {d} g. What do {g} {things} weigh, in g?
- If {h} {treats} cost ${d}, what do {g} cost?
- {d} pages in {h} days. At that pace, how many in {g} days?
~ At the rate of {d} {things} in {h} hours, what does {A} make in {g} hours?
= Rate for one: d / h
= For {g}: #1 * g

## recipe
s:2|4|5|10 g:3-14 q:10-90/5 t=q*s ?g!=s
- A {dish} for {s} people takes {t} g of {ingredient}. How many grams for {g} people?
- The recipe says {t} g {ingredient} for {s}. I'm cooking for {g} tonight. How many g?
- {t} ml of milk make {s} portions. How much milk do {g} portions need, in ml?
- {s} servings of {dish} need {t} g of {ingredient}. What do {g} servings need?
~ For {s} guests {A} uses {t} g of {ingredient}. How many grams does {he} use for {g}?
= For one person: t / s
= For {g} people: #1 * g

## rates
a:2-6 r:3-15 m:3-9
- {a} {machines} make {r} {things} an hour each. How many do they make in {m} hours?
- {a} people pick {r} {treats} a minute each. How many in {m} minutes?
- A {group} of {a} bakes {r} {treats} per person every day. How many are there after {m} days?
~ Each of {a} workers packs {r} {boxes} an hour. How many are packed after {m} hours?
= Per hour: a * r
= In all: #1 * m

## rates
r:2-12 m:3-9 q:2-9 b=r*m+q
- A {tank} holds {b} litres and already has {q} in it. The tap gives {r} litres a minute. How many minutes to fill it?
- {A} wants ${b} for a {goal}. {He} has ${q} and saves ${r} a week. How many weeks does {he} need?
- {b} pages in all, {q} done. {A} does {r} a day. How many days more?
~ {A} has {q} of {b} {things} ready and makes {r} an hour. In how many hours is {he} done?
= Still needed: b - q
= Time needed: #1 / r

## saving
s:$5-40 w:3-20 f:$5-60
- {A} has ${f} and saves ${s} every week. How much does {he} have after {w} weeks?
- I start with ${f} and add ${s} a month. What's there after {w} months?
- {A} got ${f} for {his} birthday and earns ${s} a day {job}. How much money has {he} after {w} days?
~ ${f} in the jar, ${s} more each week. What is in it {w} weeks later?
= Saved in {w}: s * w
= Money in all: f + #1

## perimeter
a:4-40 b:3-30 ?a>b
- A {field} is {a} m by {b} m. What is its perimeter in metres?
- How much fence goes around a {a} m by {b} m {field}?
- Perimeter of a rectangle with sides {a} cm and {b} cm?
- {A} runs once around a rectangular {field} of {a} m by {b} m. How many metres is that?
~ Tape is laid along all the edges of a {a} m by {b} m {field}. How many metres of tape?
= Length plus width: a + b
= Perimeter: #1 * 2

## area
a:4-20 b:3-15 c:$2-9
- A {field} is {a} m by {b} m. Turf costs ${c} per square metre. What does it cost to cover?
- Carpet for a room of {a} by {b} metres at ${c} a square metre, total price?
- {A} paints a wall {a} m wide and {b} m high. Paint costs ${c} a square metre. How much does it cost?
~ At ${c} a square metre, what is a {field} of {a} m by {b} m worth?
= Area: a * b
= Cost: #1 * c

## area
a:4|5|6|8|10|20 q:2-9 b:2-9 w=a*q
- How many tiles of {a} cm by {a} cm cover a strip of {w} cm by {a} cm, {b} strips in all?
~ {b} strips of {w} cm are cut into pieces of {a} cm each. How many pieces are there?
= Per strip: w / a
= Number in all: #1 * b

## averages
a:10-90 b:10-90
- {A} scored {a} and {b} in two tests. What is {his} average?
- What's the average of {a} and {b}?
- {a} visitors on Saturday, {b} on Sunday. Average per day?
~ Two bags weigh {a} g and {b} g. What does one weigh on average?
= Sum: a + b
= Average: #1 / 2

## averages
a:10-60 b:10-60 c:10-60
- {A} ran {a}, {b} and {c} km in 3 weeks. What is the average per week?
- find the average of the 3 numbers {a}, {b}, {c}
- The 3 {animals} weigh {a}, {b} and {c} kg. What is their average weight?
~ In 3 rounds {B} got {a}, {b} and {c} points. What is the mean?
= Sum: a + b + c
= Average: #1 / 3

## ratio
a:1-5 b:2-7 q:3-12 t=(a+b)*q ?b>a
- {t} {things} are split {a}:{b} between {A} and {B}. How many is one part?
- Sand and cement are mixed {b}:{a} for {t} kg of mortar. How many kg is each part?
~ {A} and {B} divide ${t} in the ratio {a}:{b}. How many dollars are in one part?
= Number of parts: a + b
= One part: t / #1

## conversion
x!units a:2-9 b:1-20
- How many {x1s} are {a} {x0s} and {b} {x1s}?
- {A} noted {a} {x0s} and {b} {x1s}. How many {x1s} is that in total?
- {a} {x0s} plus {b} {x1s}, all in {x1s}
~ Write {a} {x0s} and {b} {x1s} in {x1s} only.
= {a} {x0s}: a * x
= Number of {x1s}: #1 + b

## conversion
x!short a:2-12/0.5 b:10-4000/10 ?a*x>b dec
- The sign says {a} {x0}, I have done {b} {x1}. How many {x1} to go?
- {A} has {a} {x0} and uses {b} {x1}. How many {x1} are left?
~ From {a} {x0}, {b} {x1} are taken. What is left, in {x1}?
= {a} {x0} in {x1}: a * x
= What is left: #1 - b

## conversion
x!short a:2-12 k:2|4|5|8|10|20|25|40|50 dec
- {a} {x0} are split into {k} equal portions. How many {x1} is each?
- {A} divides {a} {x0} into {k} equal parts. How many {x1} is one part?
- {k} equal shares of {a} {x0}: how many {x1} each?
~ Divide {a} {x0} by {k}. How many {x1} is that?
= {a} {x0} in {x1}: a * x
= Each part: #1 / k

## counting
x!legs y!legs a:2-9 b:2-9 ?x!=y
- How many legs do {a} {x0s} and {b} {y0s} have altogether?
- A field has {a} {x0s} and {b} {y0s} in it. Count the legs.
= Legs of the {x0s}: a * x
= Legs of the {y0s}: b * y
~ {a} {x0s} meet {b} {y0s}. How many legs are there?

## coins
x!coins y!coins a:2-12 b:2-12 ?x!=y dec
- Coin jar: {a} {x0s} and {b} {y0s}. How much money, in dollars?
- {A} found {a} {x0s} and {b} {y0s} under the sofa. How many dollars is that?
- {a} {x0s} plus {b} {y0s}, total in dollars?
~ In {A}'s pocket are {a} {x0s} and {b} {y0s}. What are they worth in dollars?
= {a} {x0s}: a * x
= {b} {y0s}: b * y
= Money in all: #1 + #2

## temperature
a:-5-20 b:2-12 c:2-9 neg
- It was {a} degrees, rose by {b} and then fell by {c}. What is the temperature now?
- Morning {a} °C, noon {b} degrees warmer, evening {c} degrees colder than noon. What is it in the evening?
~ {a} degrees at six, up {b} by noon, down {c} by night. What does it read at night?
= After the rise: a + b
= After the fall: #1 - c

## battery
k:3-14 h:2-6 b:60|70|80|90|100 ?b>k*h
- A battery is at {b} percent and loses {k} points every hour. What will it read after {h} hours?
- {A}'s phone has {b}% and uses {k}% an hour. How much is left after {h} hours?
- A candle is {b} mm tall and burns {k} mm an hour. How tall is it after {h} hours?
~ From {b} litres, {k} litres leak away every hour. What is left {h} hours later?
= Loss: k * h
= What is left: b - #1

## fuel
r:4-12 k:50|150|200|250|300|350|450 dec
- The van burns {r} litres per 100 km. How many litres for {k} km?
- {r} litres for 100 km, and the trip is {k} km. How much fuel?
~ For 100 km {A} needs {r} litres. What does {he} need for {k} km?
= Hundreds of km: k / 100
= Litres: #1 * r

## equation
k:2-6 m:2-30 n:3-20 t=k*n+m
- {k} times a number plus {m} makes {t}. Which number is it?
- I think of a number, multiply it by {k} and add {m}. I get {t}. What is my number?
- {A} paid ${t} for {k} {things} and a ${m} bag. What did one {thing} cost?
- {k} {things} and one {other} together cost ${t}. The {other} is ${m}. What is one {thing}?
~ {m} more than {k} times a number is {t}. Find the number.
= Without the {m}: t - m
= The number: #1 / k

## equation
k:2-5 m:2-20 n:4-30 t=n+m
- A number divided by {k}, plus {m}, makes {t}. Which number is it?
- {A} had some {things}, got {m} more and has {t} now. {B} has {k} times as many as {A} had at first. What does {B}
  have?
~ Divide a number by {k} and add {m}; that gives {t}. What was the number?
= Without the {m}: t - m
= The number: #1 * k

## rounding
a:4|5|8|10|20 t:13-95 dec
- {t} guests, tables seat {a}. How many tables are needed?
- One minibus takes {a} people. {t} people want to go. How many minibuses?
- {A} needs {t} {things}, and they come in packs of {a}. How many packs must {he} buy?
- how many {boxes} do i need for {t} {things} if {a} go in each
~ A lift carries {a} people at a time. How often must it go up for {t} people?
= Number of groups: t / a
^ Rounded up

## rounding
a:4|5|8|10|20|25 t:13-95 dec
- {A} has ${t}. A {thing} costs ${a}. How many can {he} buy?
- How many full {boxes} of {a} can be made from {t} {treats}?
- I'm cutting a {t} m rope into pieces of {a} m. How many full pieces do I get?
- {t} minutes, how many complete {a}-minute blocks?
~ With {t} g of {ingredient} and {a} g a portion, how many whole portions are there?
= Number of groups: t / a
v Whole ones only

## time
t@6-19 m:5-60/5 n:5-90/5
- left home {t}, walked {m} min, the bus took {n}. what time did i get there?
- {A} starts at {t}, works {m} minutes, then rests {n} minutes. What time is it then?
- The {event} begins at {t}: {m} minutes of talks, {n} minutes of games. When does it end?
- Film at {t}, {n} minutes long, with {m} minutes of adverts before it. When is it over?
~ From {t} on, {A} cooks for {m} minutes and eats for {n}. When is {he} finished?
= Minutes in all: m + n
= End: t + #1 min

## time
t@7-18 h:1-3 m:5-55/5
- A {vehicle} leaves at {t} and takes {h} h {m} min. When does it arrive?
- The match starts at {t} and lasts {h} hours and {m} minutes. When is it over?
~ {h} hours and {m} minutes after {t}, what time is it?
= Minutes in all: h * 60 + m
= Arrival: t + #1 min

## weekday
d% n:2-6 w:1-4
- Today's {d}. What day is it in {w} weeks and {n} days?
- The parcel was sent on a {d} and took {w} weeks and {n} days. On which weekday did it come?
~ {w} weeks and {n} days after a {d}, which weekday is it?
= Days in all: w * 7 + n
= Day: d + #1 days

## membership
p:$10-15 a:3-12 f:$60-100/10
- Climbing wall: ${p} per visit, or a ${f} monthly pass. I go {a} times a month. Is the pass or single visits cheaper?
- A day at the {place} is ${p}, the season pass ${f}. {A} goes {a} times. Which is cheaper, pass or visits?
~ {A} rides {a} times: ${p} a ride, or ${f} for the pass. Pass or visits, which costs less?
= Cost of visits: p * a
? f < #1 : pass | visits

## enough
a:3-9 p:$2-12 b:15-90
- {A} has ${b}. Are {a} {things} at ${p} each too much, yes or no?
- Does a bill for {a} {things} at ${p} each go over ${b}? Yes or no?
~ {a} {things} cost ${p} each. Is that more than ${b}, yes or no?
= Cost of the {things}: a * p
? b < #1 : Yes | No

## printing
a:2-9 b:3-20
~ {A} prints {a} copies of a {reading} with {b} sheets, and one sheet costs 2 cents. How many cents is that?
= Sheets: a * b
= Cents: #1 * 2

## bees
a:3-9 b:10-40 c:5-30
~ {a} beehives give {b} jars of honey each. {A} keeps {c} jars. How many can {he} sell?
= Jars in all: a * b
= Jars to sell: #1 - c

## cinema
a:2-6 b:2-6 p:$5-12
~ {a} adults and {b} children go in, all for ${p} a ticket. What is the bill?
= People: a + b
= Bill: #1 * p
"""

MORE_STEPS = """
## two parts
a:2-6 p:$2-12 b:2-6 q:$2-12
- {A} buys {a} {things} at ${p} each and {b} {others} at ${q} each. How much does {he} pay?
- {a} {things} for ${p} each and {b} {others} for ${q} each, what's the total?
- The {shop} sells {things} at ${p} and {others} at ${q}. What do {a} {things} and {b} {others} cost together?
- {A} earned ${p} an hour for {a} hours and ${q} an hour for {b} hours. How much is that in all?
~ On the list: {a} {things}, ${p} apiece, and {b} {others}, ${q} apiece. What will {A} spend?
= Cost of the {things}: a * p
= Cost of the {others}: b * q
= Total: #1 + #2

## two parts
a:2-6 p:$2-12 b:2-6 q:$2-12 c:100|150
- {A} has ${c}. {He} buys {a} {things} at ${p} each and {b} {others} at ${q} each. How much is left?
- From ${c}, {A} pays for {a} {things} (${p} each) and {b} {others} (${q} each). What change does {he} get?
~ {A} came with ${c} and bought {a} {things} for ${p} and {b} {others} for ${q} each. What remains?
= Cost of the {things}: a * p
= Cost of the {others}: b * q
= Total: #1 + #2
= Money left: c - #3

## comparing
a:2-9 q:3-15 b:2-9 r:3-15 ?a*q>b*r
- {A} has {a} {boxes} of {q} {things}. {B} has {b} {boxes} of {r}. How many more {things} does {A} have?
- {A} works {a} hours at ${q} an hour, {B} {b} hours at ${r}. How much more does {A} earn?
- Shop one sold {a} crates of {q} bottles, shop two {b} crates of {r}. How many more did shop one sell?
~ {A} swims {a} lengths of {q} m, {B} {b} lengths of {r} m. By how many metres is {A} ahead?
= Number of {A}: a * q
= Number of {B}: b * r
= Difference: #1 - #2

## comparing
a:3-20 m:2-12 k:2-4
- {A} has {a} {things}. {B} has {m} more than {A}, and {C} has {k} times as many as {B}. How many do {B} and {C}
  have together?
- {B} found {m} {things} more than {A}'s {a}. {C} found {k} times as many as {B}. How many did {B} and {C} find?
~ {A} owns {a} {things}, {B} {m} more, {C} {k} times what {B} owns. What do {B} and {C} own together?
= Number of {B}: a + m
= Number of {C}: #1 * k
= Of {B} and {C}: #1 + #2

## discount
a:2-6 p:$5-40/5 k:10|20|25|50
- {A} buys {a} {items} at ${p} each and gets {k}% off the total. What does {he} pay?
- {a} {things} cost ${p} each. With a {k}% discount on everything, what's the bill?
- {a} {things}, ${p} each, {k}% off for members. What does a member pay?
~ A coupon takes {k}% off. {A} has {a} {items} at ${p} each in the basket. What is due?
= Full price: a * p
= Discount: #1 * k / 100
= To pay: #1 - #2

## profit
a:5-20 c:$2-8 s:$6-20 ?s>c
- {A} buys {a} {things} for ${c} each and sells them for ${s} each. What is {his} profit?
- It costs ${c} to make a {thing} and it sells for ${s}. How much profit do {a} of them bring?
- I get {things} at ${c} and sell at ${s}. profit on {a}?
~ Bought for ${c}, sold for ${s}: what does {A} gain on {a} {things}?
= Profit on one: s - c
= Profit on all: #1 * a

## fraction
k:2|3|4|5 m:2|3|4|5|6 q:2-9 t=k*m*q
- There are {t} pupils: a {k_th} walk, a {m_th} cycle, and the rest take the bus. How many take the bus?
- {A} has {t} {things}. {He} gives a {k_th} to {B} and a {m_th} to {C}. How many does {he} keep?
- Of {t} {treats}, a {k_th} are {colour} and a {m_th} {colour2}. The others are white. How many are white?
~ A {k_th} of {t} seats go to pupils and a {m_th} to parents. How many seats are free?
= First part: t / k
= Second part: t / m
= The rest: t - #1 - #2

## fraction
k:2|3|4|5 m:2|3|4 q:2-9 t=k*m*q
- {A} had {t} {things}. {He} gave a {k_th} away. Of what was left, a {m_th} got lost. How many {things} were lost?
- A {k_th} of {t} {treats} were sold in the morning, a {m_th} of the rest at noon. How many were sold at noon?
~ From {t} litres a {k_th} is used. A {m_th} of what remains leaks out. How many litres leak out?
= First part: t / k
= What is left: t - #1
= Part of that: #2 / m

## ratio
a:1-5 b:2-7 q:3-12 t=(a+b)*q ?b>a
- {A} and {B} share ${t} in the ratio {a}:{b}. How much does {B} get?
- {t} {things} are {colour} and {colour2} in the ratio {a}:{b}. How many are {colour2}?
- Juice and water are mixed {a}:{b}. For {t} cups of drink, how many cups of water?
~ {B} puts in {b} parts and {A} {a} parts. Of {t} {things}, how many come from {B}?
= Number of parts: a + b
= One part: t / #1
= {b} parts: #2 * b

## averages
a:5-40 b:5-40 c:5-40 d:5-40
- {A} read {a}, {b}, {c} and {d} pages on 4 days. How many is that a day, on average?
- What is the average of the 4 numbers {a}, {b}, {c} and {d}?
~ 4 melons weigh {a}, {b}, {c} and {d} hundred grams. What is the mean?
= Sum of the first: a + b
= Sum of all: #1 + c + d
= Average: #2 / 4

## work
a:2-6 r:3-9 m:2-6 p:$2-6
- {a} {guests} each pick {r} {boxes} of {treats} an hour for {m} hours. A {box} sells for ${p}. How much money is that?
- {A} bakes {r} {treats} an hour for {m} hours a day. In {a} days, what does {he} take in at ${p} each?
~ {a} {machines} fill {r} {boxes} an hour. After {m} hours all are sold at ${p}. What do they bring?
= Per hour: a * r
= In {m} hours: #1 * m
= Money: #2 * p

## weekly
a:2-6 m:3-9 w:2-8
- {A} works {m} hours a day, {a} days a week, for {w} weeks. How many hours is that?
- {A} does {m} km a day on {a} days of the week. How many km in {w} weeks?
~ {a} days a week {A} practises {m} hours. How many hours in {w} weeks?
= Per week: m * a
= In all: #1 * w

## saving
s:$5-30 w:3-12 f:$5-60 g=s*w+f+20
- {A} has ${f} and saves ${s} a week for {w} weeks. A {goal} costs ${g}. How much is still missing?
- The {goal} is ${g}. {A} owns ${f} and earns ${s} a day {job} for {w} days. How much more does {he} need?
~ After {w} weeks at ${s} on top of ${f}, how far is {A} from the ${g} for a {goal}?
= Saved: s * w
= Money in all: f + #1
= Still missing: g - #2

## shirts
a:3-8 q:2-9 m:2-9 p:$2-9
- {A} has {a} {boxes} with {q} {things} each. {He} keeps {m} and sells the rest for ${p} each. How much does {he} earn?
- {a} hens lay {q} eggs a week each. {A} eats {m} and sells the rest at ${p} each. What does {he} get?
- Every day {A} makes {q} {things}. After {a} days {he} gives {m} away and sells the others at ${p}. How much money?
~ {m} of {a} times {q} {things} are spoilt. The good ones go for ${p} each. What is the take?
= Number in all: a * q
= Number sold: #1 - m
= Money earned: #2 * p

## handshakes
n:4-12
- {n} friends meet and each shakes hands once with every other. Count the handshakes.
- {n} teams each play every other team once. How many matches are there?
~ {n} people, everybody shakes hands with everybody once. How many handshakes?
= Others for each: n - 1
= Counted twice: n * #1
= Counted once: #2 / 2

## remainder
a:4|5|8|10 t:17-98 dec
- {t} {treats} go into {boxes} of {a}. How many are left over?
- {A} deals {t} cards to {a} players, the same to each. How many cards are left over?
- {t} divided into full groups of {a}: what is the remainder?
~ After filling as many {boxes} of {a} as possible from {t} {things}, how many lie around?
= Number of groups: t / a
v Full groups
= In full groups: #2 * a
= Left over: t - #3

## plans
a:10-14 p:$2-5 f:$60-90/10 q:$1-3
- Plan A is ${p} a lesson and no fee. Plan B is ${f} a year and ${q} a lesson. {A} takes {a} lessons a year. Which
  one is
  cheaper, A or B?
- Gym A: ${p} a visit. Gym B: ${f} plus ${q} a visit. I go {a} times. Which costs less, A or B?
~ Offer A costs ${p} each time, offer B ${f} at first and ${q} each time. With {a} times, is A or B cheaper?
= Cost of A: p * a
= Cost of B: f + q * a
? #1 < #2 : A | B

## packs
a:4|5|8|10 p:$2-9 b:4|5|8|10 q:$2-9 ?a!=b
- {a} {things} for ${p} or {b} for ${q}: which pack gives the lower price per {thing}, the {a} or the {b}?
- Pack of {a} {treats}: ${p}. Pack of {b}: ${q}. Which is the better buy, {a} or {b}?
~ ${p} buys {a} {things} here, ${q} buys {b} there. Where is one {thing} cheaper, {a} or {b}?
= Each of {a}: p / a
= Each of {b}: q / b
? #1 < #2 : {a} | {b}

## trip
v:40-80/10 h:2-5 w:50-90/10 g:2-5
- A {vehicle} drives {h} hours at {v} km/h and then {g} hours at {w} km/h. How far does it go in all?
- {A} goes {v} km/h for {h} hours, rests, and does {w} km/h for {g} hours. How many km altogether?
~ First {h} hours at {v} km/h, then {g} at {w} km/h: how long is the way in km?
= First part: v * h
= Second part: w * g
= Whole way: #1 + #2

## tickets
a:2-5 p:$8-15 b:2-6 q:$3-7 c:50|60|80|100|200
- Tickets for the {place} cost ${p} for adults and ${q} for children. {A} goes with {a} adults and {b} children in
  all and
  pays with ${c}. What is the change?
- {a} adults at ${p} and {b} kids at ${q}. We pay with ${c}. How much comes back?
~ Out of ${c} a family pays {a} tickets at ${p} and {b} at ${q}. What is left?
= Adults: a * p
= Children: b * q
= Tickets in all: #1 + #2
= Change: c - #3

## garden
a:6-20 b:4-12 c:$3-9 f:$10-40/5
- A {field} of {a} m by {b} m gets a fence at ${c} a metre, and the gate is ${f}. What does it all cost?
- {A} fences a rectangle {a} m long and {b} m wide. Fence is ${c} per metre plus ${f} for delivery. Total cost?
~ Round a {field} of {a} m by {b} m comes a hedge at ${c} a metre; planting is ${f}. What is the bill?
= Length plus width: a + b
= Perimeter: #1 * 2
= Fence: #2 * c
= With the extra: #3 + f

## month
r:$8-20 h:4-8 d:3-6 w:4|8|12 e:$100-400/50 ?r*h*d*w>e
- {A} earns ${r} an hour and works {h} hours a day, {d} days a week. After {w} weeks {he} spends ${e}. What is left?
- ${r} an hour, {h} hours a day, {d} days a week, {w} weeks. Minus ${e} for a {goal}. How much remains?
~ For {w} weeks {A} works {d} days of {h} hours at ${r}. {He} then buys a {goal} for ${e}. What does {he} still have?
= Per day: r * h
= Per week: #1 * d
= In {w} weeks: #2 * w
= What is left: #3 - e

## bakery
a:3-6 q:6-12 p:$2-4 b:2-5 r:4-9 s:$3-6 c:$10-40/5
- {A} sells {a} trays of {q} {treats} at ${p} each and {b} trays of {r} {treat2s} at ${s} each. The stand costs ${c}.
  What is the profit?
~ A stand sells {a} boxes of {q} {treats} for ${p} a piece, {b} of {r} {treat2s} for ${s}. It pays ${c} rent. What is
  left?
= Number of {treats}: a * q
= Money for {treats}: #1 * p
= Number of {treat2s}: b * r
= Money for {treat2s}: #3 * s
= Money in all: #2 + #4
= Profit: #5 - c

## library
a:20-60 k:2-4 m:3-15
- The library has {a} {things}, {k} times as many {others}, and {m} fewer {thirds} than {others}. How many is that
  in all?
- {A} counted {a} {things}. There were {k} times as many {others} and {m} fewer {thirds} than {others}. How many items
  altogether?
~ {a} {things}, {k} times that many {others}, and {thirds}, {m} less than the {others}. What is the sum?
= Number of {others}: a * k
= Number of {thirds}: #1 - m
= Number in all: a + #1 + #2

## pizza
a:2-5 q:6|8|10|12 b:3-8 c:2-3 ?a*q>b*c
~ {a} pizzas are cut into {q} slices each. {b} people eat {c} slices each. How many slices are left?
= Slices: a * q
= Slices eaten: b * c
= Slices left: #1 - #2

## orchard
a:4-9 b:10-30 c:3-9 p:$2-6
~ {a} rows have {b} trees, {c} of all trees are cut down, and each of the others brings ${p}. How much is that?
= Trees at first: a * b
= Trees left: #1 - c
= Money: #2 * p
"""
