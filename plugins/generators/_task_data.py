"""Goals of the ``task`` generator for training; ``_task_goals.py`` explains the notation."""

from __future__ import annotations

GOALS = """
@trips
Plan a weekend in {city} for {num} friends
| {Num} of us want to spend a weekend in {city}
| weekend in {city}, {num} friends
a* Agree on a weekend with all {num} friends.
b<a* Book [train tickets] to {city}{when}. ~ticket: the train tickets are bought; we already have train tickets
c<a* Reserve a [room] in {city}{money}. ~reserve: the room is already reserved
d<a List three [sights] in {city} to see.
e<bc Share the [costs] among the {num} friends.
f<bc Pack a small [bag] for two nights.
+b we go by bus; by bus, not by train => Book [bus] tickets to {city}{when}.
+c we sleep in a hostel; a hostel is fine => Reserve beds in a [hostel] in {city}{money}.
+d one of us uses a wheelchair; must work with a wheelchair => List sights in {city} that suit a [wheelchair].

@trips
Pack a [{bag}] for {days} days in {city}
| {Days} days in {city} and just one [{bag}] to pack
| my [{bag}] for {days} days in {city}
$bag: rucksack; suitcase; holdall
$days: three; four; five; six; 7
a* Check the [weather] forecast for {city}.
b<a* Lay out clothes for {days} days{mins}.
c Fill a bag with travel-size [toiletries].
d Put passport and tickets in a [pouch]{when}. ~passport: passport and tickets are in my coat already
e<bc* Pack the {bag} with the heaviest things [lowest].
f<e Weigh the {bag} on the [bathroom scales].
+a it is going to rain; rain is forecast => Put a jacket for the [rain] by the {bag}.
+c hand luggage only; it goes as hand luggage => Pour liquids into small bottles for [hand luggage].

@trips
Drive from {city} to {city2} with {num} children
| Road trip {city} to {city2}, {num} children in the back
| We drive from {city} to {city2} with {num} children
a* Plan the [route] from {city} to {city2}{when}.
b Check the [tyres] and the oil of the car. ~tyre,oil: the tyres and the oil are checked
c<a* Mark rest [stops] every two hours for the children.
d Pack snacks and water for {num} children{money}.
e Collect [games] for the back seat{who}.
f<abcd Fill the [tank] and leave early. ~tank: the tank is full
+d one child has a nut allergy; no nuts, one has an allergy => Pack snacks without [nuts] and water for {num}.
+a no motorways; avoid motorways => Plan a [route] from {city} to {city2} without motorways.

@parties
Throw a {party} for {num} guests
| {Party} for {num} guests, I have no idea where to begin
| I'm hosting a {party}, {num} guests
$party: birthday party; housewarming party; farewell party; garden party; retirement party
a* Write a [list] of the {num} guests. ~list: the guest list is written
b<a* Send the [invitations] to the {party}{when}. ~invit: the invitations are out; everyone has an invitation
c<a* Buy [food] and drinks for {num}{money}.
d Choose [music] that suits the {party}.
e Decorate the [room]{who}. ~decorat: the room is decorated
f<c Prepare the [snacks] an hour ahead.
g<be Welcome the guests and take [coats].
+c everyone is vegetarian; vegetarian food please => Buy [vegetarian] food and drinks for {num}{money}.
+c no alcohol; nobody drinks alcohol => Buy food and soft drinks without [alcohol] for {num}.
-d music: no music, the neighbours complain; no music please => Prepare a [quiz] instead.

@parties
Organise a surprise for {person}'s {age}th birthday
| {person} turns {age} and I want a surprise
| surprise for {person}, {age}th birthday
$age: 18; 30; 40; 50; 60; 70
a* Set a secret [date] with {person}'s friends{who}.
b<a* Reserve a [table] for the {age}th birthday{when}. ~reserve: the table is reserved
c<a Order a [cake] with {person}'s name{money}. ~cake: the cake is ordered
d<a Ask each friend for a [photo] of {person}.
e<b Give {person} a false [reason] to come.
f<bc* Hide there and surprise {person} with a [song].
+b it has to be at home; at home please => Prepare the living room at [home] for the {age}th birthday.
+c no sugar; {person} eats no sugar => Bake a [cake] without sugar for {person}.

@parties
Hold a {kind} night at home for {num} people
| I'd like a {kind} night for {num} people
| {kind} night, {num} people, my place
$kind: film; karaoke; quiz; poker; cards
a* Pick the [evening] and ask all {num} people.
b<a* Choose what the {kind} night [starts] with{who}.
c<a Shop for [drinks] and crisps{money}. ~drink: I have drinks and crisps
d<a* Set out seats for {num} people{when}.
e<d Test the [sound] before they arrive.
f<d Tell the [neighbours] about the noise.
+c nobody drinks alcohol; no alcohol => Shop for juice and crisps, no [alcohol]{money}.
+f it must end by eleven; over by eleven => Tell everyone that it ends by [eleven].

@moving
Move out of a {flat} in {days} days | I have {days} days to leave my {flat} | moving out of a {flat}, {days} days left
$flat: studio; two-room flat; shared house; basement flat
$days: five; six; eight; ten; 12
a* Plan the {days} days until the [move].
b<a Hire a [van]{money}{when}. ~van: the van is hired; a friend lends us a van
c* Pack the {flat} room by room{who}.
d<c Mark every [box] with its room.
e Redirect the [post] to the new address. ~post: my post is redirected
f<cd* Clean the empty {flat} and return the [keys].
+c there is a piano; we have a piano => Pack the {flat} and wrap the [piano] in blankets.
-b van: no van, only bikes; without a van => Borrow two [bike] trailers.

@moving
Settle into our new {home} in {city} | We just arrived in our new {home} in {city} | new {home} in {city}, now what
$home: flat; cottage; townhouse
a* Unpack the [kitchen] of the {home} first{who}.
b Read the [meters] of the {home}. ~meter: the meters are read
c<b Sign an [electricity] contract in {city}{money}. ~electric: we have an electricity contract
d Register the new [address] in {city}{when}.
e* Introduce yourself to the [neighbours] in {city}.
f<a Hang [curtains] in the bedroom{tool}.
$tool: a hand drill; a screwdriver; a step ladder
+d we have a dog; our dog comes too => Register the address and the [dog] in {city}.

@repairs
Fix a leaking {place} [tap] | The {place} [tap] drips all night | [tap] in the {place} leaks, help
$place: bathroom; garden; laundry; cellar
$tool: an adjustable wrench; pliers; a spanner
a* Turn off the [water] to the {place}. ~turn off: the water is off
b<a* Take the tap apart{tool}{mins}.
c Buy a new [washer] at the shop{money}. ~buy: I already have the washer; the washer is here
d<bc* Fit the new washer and close the [tap].
e<d Open the water and check for [drips]{who}.
f<b Rub [limescale] off the parts. ~limescale: there is no limescale
+b one screw is stuck; it has a stuck screw => Oil the stuck [screw] and take the tap apart.

@repairs
Hang a [{thing}] on a {wall} wall | I have a [{thing}] and a {wall} wall | [{thing}], {wall} wall, how
$thing: mirror; picture frame; shelf; coat rack
$wall: brick; concrete; wooden
$tool: a hand drill; a hammer; a screwdriver
a* Mark the height of the {thing} with a [pencil]{who}.
b<a Check the {wall} wall for [cables]. ~cable: there are no cables there
c<b* Make the [holes] in the {wall} wall{tool}.
d<c Put [plugs] into it{money}. ~buy: I have plugs
e<cd* Hang the {thing} and check it with a [level]{when}.
f<c Sweep up the [dust].
-c holes: no holes allowed; I may not make holes => Press [adhesive] strips onto the {wall} wall.

@repairs
Repair a {bike} [bike] with a flat tyre
| my {bike} [bike] has a flat tyre
| Flat tyre on the {bike} [bike], shop is shut
$bike: child's; mountain; racing; folding
$tool: two tyre levers; a pair of spoons; a small wrench
a* Take the wheel off the {bike} bike.
b<a* Lift the [tyre] off the rim{tool}.
c<b Find the hole in a bowl of [water].
d<c* Glue a [patch] on the hole{mins}. ~glue: the patch is on
e<d Check the rim for [thorns]{who}.
f<de Refit the wheel and [pump] it up{when}.
-d patch: no patch in the house; without a patch => Put in a new [inner tube]{money}.

@repairs
Stop the {door} [door] from {noise} | The {door} [door] keeps {noise} | {door} [door]: {noise} all day
$door: kitchen; cellar; front; wardrobe
$noise: squeaking; sticking; rattling
$tool: a screwdriver; sandpaper; a hammer
a* Open the {door} door and find the [spot]{mins}.
b<a Tighten the [hinges]{tool}. ~tight: the hinges are tight
c<a* Rub [candle wax] on the edge of the door.
d<abc Move the door ten times to [test] it{who}.
e<a Wipe [dirt] from the frame.
f<d Note when to [oil] it again.
-b hinges: do not touch the hinges; leave the hinges alone => Wedge some [felt] into the frame.

@gardening
Grow {plant} on a {place} | I'd love to grow {plant} on my {place} | {plant} on a {place}, first time
$plant: parsley; lettuce; radishes; chives; peas
$place: balcony; roof terrace; windowsill; patio
a Find the sunniest [corner] of the {place}.
b* Fill a deep [pot] with fresh soil{money}. ~fill: the pot is filled with soil
c<b* Sow the [seeds] of the {plant} thinly{when}. ~sow: the seeds are sown
d<c* Water the {plant} every [morning]{who}.
e<c Thin out the weakest [seedlings].
f<de Cut the first {plant} with [scissors].
+d I'm away on weekends; nobody is there on weekends => Water the {plant} with a slow [bottle] on weekends.
+a there is shade all day; only shade there => Choose a kind of {plant} that likes [shade].

@gardening
Get the garden ready for {season} | {Season} is coming and the garden is a mess | garden, before {season}
$season: spring; winter; autumn; the summer
$tool: a rake; hand shears; an old spade
a* Rake the [leaves] off the lawn{who}. ~rake: the leaves are raked
b Trim the [hedge]{tool}. ~hedge: the hedge is trimmed
c<ab Put cuttings on the [compost] heap.
d* Pull the [weeds] from the beds{mins}.
e<d Spread [mulch] on the beds for {season}{money}.
f<bd* Clean the tools and store them for {season}{when}.
+e hedgehogs live there; we have hedgehogs => Leave a pile of twigs for the [hedgehogs].
-d poison: no poison please; without poison => Pull the [weeds] by hand.

@gardening
Plant a [{tree}] in the {place}
| Where and how do I plant a [{tree}] in the {place}
| one [{tree}], {place}, this week
$tree: pear tree; plum tree; hazel; fig
$place: front garden; school yard; back yard; courtyard
a* Choose a spot in the {place} away from [walls].
b<a* Dig a [hole] twice as wide as the roots{tool}. ~dig: the hole is dug
c Soak the roots in a [bucket] for an hour. ~soak: the roots are soaked
d<bc* Set the {tree} in the hole{who}{when}.
e<d Tie it to a strong [stake]{money}.
f<d Water it with two [cans].
$tool: a spade; a garden fork; a trowel
+b the soil is clay; we have heavy clay => Dig a wide hole and mix [clay] with sand.
+e there are deer; deer come at night => Put a fence against [deer] around it.

@cooking
Cook {dish} for {num} people | {num} people are coming and I want to make {dish} | {dish} tonight, {num} people
$dish: lentil curry; chilli; risotto; fish pie; mushroom pasta
a* Write a [shopping] list for {num} portions of {dish}. ~list: the shopping list is written
b<a* Buy the [ingredients]{money}. ~buy: I already have the ingredients; the ingredients are in the fridge
c<b Chop the [onions]{who}. ~chop: the onions are chopped
d<c* Cook the {dish} on a low [heat]{mins}.
e<d Taste it and add [salt].
f<d Lay the [table] for {num}. ~table: the table is laid
g<de Serve the {dish} while it's [hot]{when}.
+b no dairy; it has to be without dairy => Buy the [ingredients] without any dairy{money}.
+e my aunt avoids salt; no salt for my aunt => Taste it and add lemon instead of [salt].
-c onions: no onions; nobody eats onions => Chop the [celery].

@cooking
Bake {cake} for the {event} | I promised {cake} for the {event} | {cake}, {event}, never baked before
$cake: a carrot cake; shortbread; muffins; an apple tart; ginger biscuits
$event: school fair; office; street party; choir; church bazaar
a Heat the [oven]. ~heat: the oven is hot
b* Weigh the [flour] and the sugar{money}. ~weigh: flour and sugar are weighed
c<b* Mix everything in one [bowl]{who}.
d<ac* Bake {cake} until [golden]{mins}.
e<d Cool it on a [rack].
f<e Box it up for the {event}{when}.
-c eggs: without eggs; we have no eggs => Mix everything with mashed [banana].
+b it must be gluten-free; gluten-free please => Weigh the [gluten-free] flour and the sugar.
+f sell it in slices; cut it into slices => Cut {cake} into [slices] for the {event}.

@cooking
Make {jam} from {kg} kilos of fruit | {kg} kilos of fruit in the kitchen and I want {jam} | {jam}, {kg} kilos
$jam: strawberry jam; plum jam; quince jelly; blackberry jam
$kg: two; three; four; five
a* Wash the {kg} kilos and remove the [stems]{who}. ~wash: the fruit is washed
b Boil the [jars] clean. ~boil: the jars are clean
c<a* Simmer the fruit with [sugar]{mins}.
d<c Test a drop on a cold [plate].
e<bcd* Fill the {jam} into jars and [close] them{when}.
f<e Stick a [label] with the date on each.
+c with less sugar; half the sugar => Simmer the fruit with half the [sugar] and lemon.

@cooking
Prepare {num} lunches for the week | I want {num} packed lunches ready | {num} lunches, made ahead
a* Choose two [recipes] for {num} lunches.
b<a* Shop for the [lunches]{money}{when}. ~shop: the shopping is done
c<b Cook a big pot of [rice]{mins}. ~rice: the rice is cooked
d<b Roast a tray of [vegetables]. ~roast: the vegetables are roasted
e<bcd* Divide everything into {num} [boxes]{who}.
f<e Freeze two and [chill] the rest.
+a no microwave at work; there's no microwave => Choose two recipes that need no [microwave].
+a they should be vegan; vegan only => Choose two [vegan] recipes for {num} lunches.
-d peanut: my desk mate can't be near peanuts; no peanuts => Roast a tray of [pumpkin].

@cleaning
Clean the {room} before {person} arrives
| {person} is on the way and the {room} looks awful
| {room} clean, {person} visits
$room: kitchen; bathroom; living room; guest room; hallway
$tool: a cloth and vinegar; soda and a brush; soap and a sponge
a* Clear everything off the [surfaces] in the {room}.
b<a Dust from [top] to bottom{who}.
c<a* Wipe the {room} down{tool}{mins}.
d<c Take out the [rubbish]. ~rubbish: the rubbish is out
e<bc Mop the [floor] last. ~mop: the floor is mopped
f<c* Air the {room} for {person}{when}.
-c bleach: no bleach; without bleach => Wipe the {room} down with [soap].
+e the cat sleeps there; mind the cat => Put the [cat] elsewhere and mop.

@cleaning
Get {stain} out of a {cloth} | There's {stain} on my {cloth} | {stain} on a {cloth}, quick
$stain: ink; candle wax; coffee; grass stains; blood
$cloth: white shirt; linen tablecloth; cotton dress; school uniform
$tool: soda water; mild soap; lemon juice
a* Blot the {stain} with a paper [towel]{mins}.
b<a Test the cleaner on a hidden [seam].
c<ab* Dab the {cloth}{tool}.
d<c Rinse it in [cold] water{when}. ~rinse: I rinsed it already
e<d Repeat until the {stain} is [gone].
f<d* Dry the {cloth} away from the [sun].
-d machine: no washing machine here; without a washing machine => Rinse it in the [sink].

@software
Set up a {site} for {org} | {org} needs a {site} | {site} for {org}, I'm no expert
$site: landing page; small website; photo blog; booking page
$org: a bakery; our choir; the hockey club; a dog walker
a* List the pages of the {site} with [{org}].
b Register a [domain] name{money}. ~domain: the domain is registered
c<a* Choose a simple [template] for the {site}.
d<c Write the [texts]{who}. ~write: the texts are written
e<cd* Publish the {site}{when}.
f<e Check it on a [phone].
-c wordpress: not WordPress; no WordPress please => Choose a [static] site builder for the {site}.
+d in two languages, French too; also in French => Write the texts in English and [French].

@software
Release version {ver} of {app} | Version {ver} of {app} should go out | {app} {ver} release
$ver: 1.4; 2.3; 3.0; 0.9; 5.1
$app: the mobile app; our command-line tool; the plug-in; the web shop
a* Freeze [changes] to {app}. ~freeze: changes are frozen
b<a Run all [tests]. ~test: the tests already pass; all tests are green
c<b* Set the number to {ver} and write the [notes]{who}.
d<c* Build and tag {app} {ver}{when}.
e<d Upload it to the [store]. ~upload: the upload is done
f<e Watch the error [log]{mins}.
+e beta users first; only for beta users => Give {ver} to the [beta] users.
-e friday: never on a Friday; don't ship on a Friday => Upload it on [Monday].

@software
Find out why {service} is slow | {service} is slow since {weekday} | {service} so slow, where do I look
$service: the search page; the login; our API; the report export; the checkout
a* Measure how long {service} takes [now]{when}. ~measure: I have measured it
b<a* Read the [logs] of {service}{mins}.
c<a List what [changed] last week{who}.
d<bc* Profile the slowest [query]. ~profil: I have profiled it
e<d Fix one cause and [measure] again.
f<e Write the [cause] into the ticket.
-b production: don't touch production; no access to production => Copy the [logs] of {service} to a test server.
+e it must take under a second; under one second => Fix one cause until it takes under a [second].

@software
Move {data} from {src} to {dst} | we want {data} out of {src} and into {dst} | {data}: {src} -> {dst}
$data: the tickets; our notes; the contacts; all invoices
$src: Trello; Evernote; Outlook; Excel
$dst: Jira; Notion; Airtable; Linear
a Tell everyone about the [switch]{when}. ~tell: everyone has been told
b* Export {data} from {src}. ~export: the export is done
c<b Make a [copy] of the export. ~copy: there is a copy
d<bc* Import {data} into {dst}{who}{mins}.
e<d* Compare the [count] in {src} and {dst}.
f<e Close the old [account].
+d no duplicates; duplicates must go => Remove [duplicates] and import {data} into {dst}.
-f delete: do not delete anything; nothing gets deleted => Keep {src} as an [archive].

@software
Add {feature} to {app} | I'd like {feature} in {app} | {feature} for {app}, small change
$feature: a search box; a dark theme; keyboard shortcuts; an export button
$app: our intranet; the notes app; the admin page; my portfolio
a* Sketch a place for {feature} in {app}.
b<a* Open a [branch] for {feature}. ~branch: the branch exists
c<b Write a failing [test]{who}. ~test: a failing test is there
d<bc* Build {feature} in [{app}]{when}.
e<d Ask a colleague for a [review].
f<de Merge it and [deploy].
-d javascript: without JavaScript; no JavaScript => Build {feature} in {app} with [CSS].
+e it must work with a screen reader; screen reader users need it => Try it with a [screen reader].

@backups
Back up {device} to {target} | I need {device} backed up to {target} | {device} -> {target}, nothing saved so far
$device: grandpa's laptop; the office PC; my tablet; the family computer
$target: an external drive; a USB stick; a network drive; the cloud
a* Check the free space on {target}. ~space: there is enough space
b Sort out old [files] on {device}{mins}.
c<a* Copy the [documents] from {device} to {target}{who}.
d<c Copy the [photos] as well. ~photo: the photos are safe
e<c* Open one file from {target} to [test] it.
f<e Set a [reminder] to repeat it monthly{when}.
+c it has to be encrypted; encrypted please => Encrypt {target} and [copy] the documents from {device}.

@backups
Restore {what} from last {weekday}'s backup
| {what} is gone, there is a backup from {weekday}
| need {what} back, backup of {weekday}
$what: the customer table; the wiki; my thesis folder; the mail archive
a* Stop all [writes] to {what}. ~stop: all writes are stopped
b* Find the [backup] of {weekday}.
c<b Check its [size] and date{who}.
d<ab* Restore {what} to a [test] folder{mins}. ~test: it is already in a test folder
e<d Compare {what} with a [printout].
f<de Put {what} back in [place]{when}.
+f tell the customers; customers have to know => Put {what} back and tell the [customers].

@office
Prepare the {meeting} for {num} people
| {Meeting} with {num} people, I'm running it
| {meeting}, {num} people, on {weekday}
$meeting: team meeting; budget review; kick-off; workshop; board meeting
a* Write an [agenda] for the {meeting}{mins}. ~agenda: the agenda is written
b Book a [room] for {num} people. ~book: the room is booked; we have a room
c<ab* Invite the {num} people{when}.
d<a Print the [handouts]{who}. ~print: the handouts are printed
e<bc* Test the [projector] before the {meeting}.
f<c Send the [minutes] afterwards.
-b room: it's online, no room; no room, all online => Set up a [video] link for {num} people.
+d no paper; paperless please => Share the handouts without [paper].

@office
Write a {doc} about {topic} for {person} | {person} wants a {doc} about {topic} | {doc} on {topic} for {person}
$doc: one-page memo; short report; proposal; summary
$topic: the new rota; travel costs; the office move; staff turnover; energy use
a* Ask {person} what the {doc} must [answer].
b Collect the [figures] on {topic}{who}. ~collect: the figures are collected; I have the figures
c<b Draft the [outline]{mins}. ~outline: the outline is ready
d<bc* Write the {doc} about {topic}.
e<d Check the [spelling].
f<de* Send the {doc} to {person}{when}.
+b include a chart; with a chart please => Turn the figures on {topic} into a [chart].
-d jargon: no jargon; without jargon => Write the {doc} about {topic} in [plain] words.

@office
chain
$doc: invoice; contract; timesheet; quote
$folder: Clients; Finance; 2024; Projects
a Open the [{doc}] from {city}.
b<a Compare the [amount] with the order.
c<b Correct the [date] on the first page.
d<b Ask {person} to [sign] it{when}.
e<bcd Save a copy in the [{folder}] folder.
f<e Tell [Accounts] that it's done.

@office
chain
$topic: holiday; parking; overtime; canteen; training
a Read the [{topic}] survey.
b<a Count the [complaints] per team.
c<b Put the top three into a [chart].
d<c Write a short [summary] for {person}.
e<d Present it at the {weekday} [meeting]{mins}.
f<d File the answers under [{city}].

@office
chain
$what: desks; headsets; badges; monitors
a Count the [{what}] on the second floor.
b<a Note which of them are [broken].
c<b Get [prices] from two suppliers{when}.
d<c Choose the [cheaper] offer{money}.
e<d Place the [order] with {person}.
f<e Update the [inventory] list.

@data
chain
$month: March; April; May; June; October; November
$cat: grocery; fuel; rent; travel; phone
a Download the bank [statement] for {month}.
b<a Filter the [{cat}] payments.
c<b Add up the [total].
d<c Compare it with the [{month}] budget.
e<c Email the result to [{person}]{when}.
f<e Save the sheet as a [PDF].

@data
chain
$file: customers; members; orders; sensors; donations
a Load [{file}].csv into a sheet.
b<a Remove the [duplicate] rows.
c<b Fill the [empty] cells.
d<c Sort it by [postcode].
e<cd Export it as [JSON].
f<e Upload the file to the [{city}] server{when}.

@data
chain
$src: shared; support; press; sales
a Search the [{src}] inbox for {city}.
b<a Mark the [urgent] messages.
c<b Forward them to [{person}]{when}.
d<b Reply to the [rest] with a template.
e<d Archive everything older than {weekday}.
f<cd Write the [number] of open cases down.

@software
chain
$file: settings.yaml; app.toml; server.conf; deploy.ini
$port: 8081; 3000; 9000; 5050
a Make a [copy] of {file}.
b<a Change the [port] to {port}.
c<b Check the [syntax] of {file}.
d<bc Restart the [service]{when}.
e<d Open the page on port {port} to [test] it.
f<e Tell [{person}] that it runs.

@software
chain
$bug: crash; timeout; typo; memory leak
a Reproduce the [{bug}] on {weekday}'s build.
b<a Write a [test] that shows it.
c<b Find the [commit] that caused it.
d<bc Fix it on a new [branch].
e<d Ask [{person}] for a review{when}.
f<e Close the [ticket].

@job hunt
Apply for a job as a {job} in {city} | I want to be a {job} in {city} | {job}, {city}: job application
$job: nurse; baker; data analyst; lorry driver; librarian; welder
a* Search three offers for a {job} in {city}.
b Update the [CV]{mins}. ~CV: my CV is up to date
c<a* Write a [letter] to the best one{when}.
d<c Let a friend [proofread] it{who}. ~proofread: a friend has proofread it
e<bc* Send the application as a [PDF].
f<e Phone after one [week].
+a part-time only; it has to be part-time => Search three [part-time] offers for a {job} in {city}.
-c photo: no photo please; without a photo => Write a [letter] that names your strengths.

@job hunt
Get ready for an [interview] at {firm} | My [interview] at {firm} is on {weekday} | [interview], {firm}, I'm nervous
$firm: a bank; the city hospital; a start-up; the post office; a law firm
a* Read the website of {firm}. ~website: I have read their website
b* Prepare answers for the [interview]{mins}.
c<b Practise them aloud{who}. ~practise: I practised already
d Iron a [shirt] the day before. ~shirt: my shirt is ironed
e<a Note two [questions] for {firm}.
f<bc* Check the [way] to {firm}{when}.
+f it is a video call; by video call => Test the camera for the [video] call with {firm}.

@job hunt
Ask my boss for {ask} | I want {ask} from my boss | {ask}, how do I ask
$ask: a pay rise; fewer night shifts; a day at home; a training course
a* List your [results] of the last year{mins}. ~results: my results are listed
b<a* Find out what others say about {ask}{who}.
c Ask for a [meeting] of half an hour{when}. ~meeting: the meeting is set
d<ab* Rehearse how you ask for {ask}.
e<cd Make your case [calmly].
f<e Thank your boss by [mail].
+d no threats; without threats => Rehearse asking for {ask} without [threats].

@study
Study for a {subject} exam in {days} days
| {Subject} exam in {days} days and I know nothing
| {subject} exam, {days} days
$subject: biology; history; maths; physics; law
$days: five; six; eight; ten; 14
a* List the [topics] of the {subject} exam. ~list: the topics are listed
b<a* Split them over the {days} [days].
c<b* Learn one topic a day{mins}.
d<b Make [cards] for the hardest facts{who}. ~card: the cards are made
e<c Solve an old {subject} [paper].
f<e Repeat everything once more [aloud]{when}.
+b I work on {weekday}; no time on {weekday} => Split them over the {days} days and leave [{weekday}] free.
-c book: I lost the book; without a book => Watch one [lecture] a day.

@study
Learn {count} {lang} words for my holiday
| {count} words of {lang}, then off on holiday
| {lang} for the holiday, {count} words
$count: 40; 60; 80; 100
$lang: Portuguese; Greek; Polish; Dutch; Japanese
a* Pick {count} {lang} words for [travel].
b<a Write them on [cards]. ~write: the cards are written
c<ab* Practise ten {lang} words every [day]{mins}.
d<c Say them [aloud]{who}.
e<c* Order a [meal] in {lang} to test yourself.
f<c Repeat what you [forgot]{when}.
-c app: no app; without an app => Practise ten {lang} words daily on [paper].

@study
Write an essay on {topic} of {count} words
| my essay on {topic}, {count} words, isn't started
| {count} words on {topic}
$topic: the Roman army; coral reefs; Frankenstein; city traffic; the moon landing
$count: 800; 1500; 2000; 600
a* Read two [sources] on {topic}. ~read: I have read two sources
b<a* State your claim in one [sentence].
c<b* Draft {count} words with [headings]{mins}.
d<c Quote each [author] properly.
e<c Read it to someone{who}.
f<cd Hand it in{when}.
+a one source must be a book; use a book => Read a [book] and an article on {topic}.
-a wikipedia: not Wikipedia; no Wikipedia => Read two sources on {topic} at the [library].

@school
Organise a class trip to {place} for {num} pupils
| {num} pupils, class trip to {place}
| Our class, {num} pupils, wants to see {place}
$place: the zoo; a farm; the science museum; the fire station
a* Ask {place} for a free [date]. ~date: the date is fixed
b<a* Collect the parents' [consent] for {num} pupils{when}. ~consent: all parents have given consent
c<a Hire a [bus]{money}. ~bus: the bus is hired
d<a Find two [adults] to come along{who}.
e<bc* Hand out a plan for {place}.
f<e Count the {num} pupils before you [leave].
-c bus: no bus; we can't pay a bus => Plan the way to {place} on [foot].
+b one pupil has asthma; a pupil has asthma => Collect consent for {num} pupils and note the [asthma].

@school
Help my {child} with a project on {topic}
| my {child} has to do a project on {topic}
| project on {topic}, my {child} is stuck
$child: daughter; son; nephew; niece
$topic: volcanoes; bees; the Vikings; the water cycle; planets
a* Let your {child} pick one [question] on {topic}.
b<a* Look for [pictures] of {topic}{who}. ~picture: we have pictures
c<a Borrow a [book] from the library.
d<b* Build a [model] with your {child}{money}{mins}.
e<d Write the [poster] texts together. ~poster: the poster is done
f<de Practise the [talk] once{when}.
-b internet: without internet; we have no internet => Draw [pictures] of {topic}.
-d glue: no glue in the house; without glue => Fold a paper [model] with your {child}.

@events
Set up a {event} in {city} for {num} people
| We plan a {event} in {city}, about {num} people
| {event} {city} {num} people
$event: charity run; flea market; poetry evening; open-air concert; chess tournament
$num: 30; 50; 80; 120; 200
a* Fix a [date] for the {event} in {city}. ~date: the date is fixed
b<a* Apply for a [permit]{when}. ~permit: the permit is there
c<a Find a [place] for {num} people{money}. ~place: we have a place
d<a Recruit [helpers]{who}.
e<abc* Announce the {event} with [posters]. ~poster: the posters hang
f<de Mark the [exits] on the day.
+f it could rain; in case of rain => Put up tents against [rain].
+b no money for fees; we have no money => Ask the [mayor] for a free permit.

@events
Host a talk by {person} for {num} listeners | {person} gives a talk, {num} listeners | talk by {person}, {num} seats
a* Agree on the [topic] with {person}. ~topic: the topic is set
b<a Book a [hall] for {num}{money}. ~hall: the hall is booked
c<a* Advertise the talk by {person}{when}.
d<b* Set up {num} [chairs]{who}. ~chair: the chairs are up
e<b Check the [microphone]{mins}. ~microphone: the microphone works
f<de Introduce {person} to the [audience].
-e microphone: no microphone; we have no microphone => Ask {person} to speak [loudly].
+c two listeners are deaf; some listeners are deaf => Advertise the talk and ask an interpreter for the [deaf].

@finances
Save {sum} for {goal} in {months} months | I need {sum} for {goal} in {months} months | {sum}, {goal}, {months} months
$sum: £600; €900; $1,200; £450; €1,500
$goal: a laptop; a new bike; driving lessons; a holiday; a piano
$months: three; six; nine; 10
a* Divide {sum} by the {months} [months].
b List all monthly [costs]{mins}. ~list: I know my costs
c<b* Cut one cost that matters less than {goal}{who}.
d<a* Set up a standing [order] for the savings{when}. ~standing order: the standing order is set up
e<d Check the [balance] monthly.
f<e Buy {goal} once {sum} is [there].
-d account: no new account; without a new account => Put cash for it in a [jar].

@finances
File my {tax} return | the {tax} return is due | {tax} return, I've never done it
$tax: income tax; property tax; company tax
a* Collect all [receipts] for the {tax} return. ~collect: the receipts are collected
b<a Sort them by [month]{mins}. ~sort: they are sorted
c* Download the {tax} [form]. ~download: the form is here
d<ac* Fill in the {tax} return{who}.
e<d Check every [figure] twice.
f<de Submit it{when}.
+f on paper, not online; it has to be on paper => Print it on [paper] and post it.
-d adviser: I can't pay an adviser; no adviser => Fill in the {tax} return with the [guide].

@finances
Pay off {sum} on my {debt} | {sum} left on my {debt} | {debt}: {sum}, want it gone
$sum: £800; €1,000; $2,400; £350
$debt: credit card; car loan; overdraft; student loan
a* Note the [interest] on the {debt}. ~interest: I know the interest
b* Write down [income] and spending{mins}.
c<b Cancel one [subscription]{when}. ~cancel: I have cancelled everything
d<ab* Fix a monthly [payment] towards the {sum}.
e<d Talk to the [bank] about the {debt}{who}.
f<d Tick off each [month] on a chart.
-d loan: no new loan; without another loan => Pay the {debt} first from your [wages].

@finances
Choose a {contract} for {num} people | Which {contract} for {num} people | {contract}, {num} people, too expensive now
$contract: phone plan; health insurance; internet contract; streaming plan
a* Write down what the {num} people [need].
b<a* Compare three offers for a {contract}{money}.
c<b Read the [small print]{mins}.
d<b Ask for a [discount]{who}.
e<bc* Sign the best {contract}{when}.
f<e Cancel the [old] one. ~cancel: the old one is cancelled
+b no minimum term; it must have no minimum term => Compare three {contract} offers without minimum [term].

@pets
Train {pet} to {trick} | {pet} should learn to {trick} | {pet}: {trick}, how long will it take
$pet: our terrier; a young parrot; the kitten; a rescue dog
$trick: stay; come when called; shake hands; use a carrier; wait
$tool: a clicker; small treats; a whistle
a* Pick a quiet [room] for {pet}. ~room: the room is quiet
b<a* Show {pet} what to do{tool}.
c<b* Reward {pet} each time it tries to {trick}.
d<c Practise [daily]{mins}.
e<d Add a [distraction]{who}.
f<d Try it [outdoors]{when}.
-c treat: no treats, vet's orders; without treats => Praise {pet} when it tries to {trick}.

@pets
Get {pet} ready for {event} | {pet} needs to be ready for {event} | {event} with {pet}
$pet: the dog; our cat; my rabbit; two guinea pigs
$event: a week with a sitter; the vet; a long train ride; the cattery
a* Write down what {pet} [eats]{mins}. ~write: the feeding list is written
b Check the [vaccination] card. ~vaccin: the vaccinations are fine
c* Clean the [carrier] for {pet}. ~clean: the carrier is clean
d<a Pack [food] for {event}{money}.
e<c* Let {pet} get used to the carrier{who}.
f<cde Leave early for {event}{when}.
+e {pet} hides from strangers; it hides from people => Coax {pet} out where it [hides].

@pets
Look after {animal} while {person} is away | {person} is away and I mind {animal} | minding {animal} for {person}
$animal: three hens; a tortoise; two budgies; a pony; a tank of fish
a* Ask {person} how {animal} must be [fed]. ~ask: {person} told me all
b<a* Buy [feed]{money}. ~buy: there is enough feed
c<b* Feed {animal} every [morning]{who}.
d<a Clean the [cage] or stall{mins}.
e<c Check {animal} for [injuries].
f<c Send {person} a [photo]{when}.
+c one needs a pill daily; give a pill daily => Feed {animal} and give the [pill].

@health
Start {sport} after {years} years without sport
| {years} years without sport, now I want to do {sport}
| {sport}, out of shape for {years} years
$sport: jogging; swimming; cycling; yoga; rowing
$years: two; three; five; ten; 20
a Ask your [doctor] if it's safe. ~doctor: my doctor agrees
b* Pick two days a week for {sport}{who}.
c Buy [shoes] or kit for {sport}{money}. ~buy: I have the kit
d<b* Begin with very short [sessions]{mins}.
e<d* Do five minutes more of {sport} each [week].
f<d Write down how you [feel]{when}.
+d my knee hurts; I have a bad knee => Begin gently and rest the [knee].
-c club: no club; without a club => Find a free [place] for {sport}.

@health
Sleep better with {trouble} | I sleep badly, {trouble} | {trouble}, can't sleep
$trouble: night shifts; a new baby; noisy neighbours; exam stress
a* Note for a week when {trouble} keep you [awake]. ~note: I have kept notes for a week
b* Set one [bedtime] and keep it{when}.
c Make the bedroom [dark]{money}. ~dark: the room is dark
d<b Put the [phone] away early{mins}.
e<b Read a [book] in bed{who}.
f<abde* Check after two weeks if you [sleep] better.
-e pills: no pills; without pills => Drink warm [milk] in bed.

@health
Put together a first-aid kit for {place} | {place} needs a first-aid kit | first-aid kit, {place}
$place: the car; our cabin; the workshop; a scout camp; the boat
a* List the [risks] of {place}.
b<a* Buy plasters and [bandages]{money}. ~bandage: I have plasters and bandages
c<a Add gloves and [scissors]. ~scissors: scissors are in it
d<b* Put all of it in a [box] for {place}{who}.
e<d Write emergency [numbers] on the lid. ~number: the numbers are on it
f<d Check the [dates] every year{when}.
+b one person has a wasp allergy; wasp allergy in the group => Buy plasters, bandages and something for [wasp] stings.

@crafts
Sew {thing} from {cloth} | I want to turn {cloth} into {thing} | {thing}, from {cloth}
$thing: a tote bag; a cushion cover; an apron; a pencil case
$cloth: old jeans; a curtain; a bed sheet; canvas
$tool: a needle and thread; pinking shears; safety pins
a* Measure and [draw] {thing} on paper. ~draw: the pattern is drawn
b Wash and [iron] {cloth}. ~wash: the cloth is washed
c<ab* Cut the pieces from {cloth}{who}.
d<c Pin the [edges]. ~pin: the edges are pinned
e<cd* Sew the [seams] of {thing}{tool}{mins}.
f<e Turn it inside out and [press] it{when}.
-e machine: no sewing machine; without a machine => Sew {thing} by [hand].

@crafts
Build {thing} for {person} | {person} would like {thing} | {thing}, present for {person}
$thing: a birdhouse; a toy boat; a kite; a spice rack; a sledge
$tool: a hand saw; a hammer; a pocket knife
a* Draw a [plan] of {thing}. ~plan: I have a plan
b<a Get [wood] and nails{money}. ~buy: wood and nails are here
c<ab* Cut the [parts] to size{tool}{who}.
d<c Sand the [corners]. ~sand: everything is sanded
e<cd* Put {thing} together{mins}.
f<e Paint it in {person}'s [favourite] colour{when}.
-c power: without power tools; no power tools => Cut the parts with a [hand saw].
-e nail: no nails; without nails => [Glue] {thing} together.

@crafts
Restore an old {thing} | an old {thing} from the attic, make it nice again | old {thing}, worn and dull
$thing: chair; chest; picture frame; rocking horse; bench
$tool: sandpaper; a scraper; steel wool
a Look for [woodworm]. ~woodworm: there is no woodworm
b* Clean the {thing} with mild [soap]. ~clean: the {thing} is clean
c<b* Rub off the old [varnish]{tool}{mins}.
d<b Glue loose [joints]{who}. ~glue: the joints are glued
e<cd* Give the {thing} two coats of [oil]{when}.
f<e Let it dry in the [shade].
-e paint: no paint; without paint => Rub [beeswax] into the {thing}.
+e for the garden; it will stand outside in the garden => Give the {thing} a coat that suits the [garden].

@shop
Open a {shop} in {city} | I dream of a {shop} in {city} | {shop}, {city}, where do I start
$shop: bookshop; coffee bar; bike shop; flower stall; second-hand shop
a* Study other shops in {city}{mins}.
b<a* Write a [business plan] for the {shop}{who}. ~business plan: the business plan is written
c<b Rent a [place]{money}. ~rent: the place is rented
d<b Register the [business] name. ~register: the name is registered
e<c Order the first [stock].
f<cd* Open the {shop} with a small [party]{when}.
-c loan: no bank loan; without a loan => Share a [space] with another seller.
+c wheelchair users must get in; access for wheelchair users => Rent a place with a ramp for a [wheelchair].

@shop
Sell {thing} online | I have {thing} to sell | {thing}, to be sold on the web
$thing: handmade soap; my old camera; a leather sofa; vinyl records; baby clothes
a* Clean {thing} and take [photos]{who}. ~photo: the photos are taken
b<a Look up similar [prices].
c<ab* Write an [advert] for {thing}. ~advert: the advert is written
d<c* Set a fair [price]{mins}.
e<cd Answer [questions] quickly.
f<de Ship {thing} to the [buyer]{when}.
-f ship: pick-up only, I can't ship; I don't ship => Hand {thing} over in [person].
+d it has a scratch; there is a scratch => Set a fair price and mention the [scratch].

@shop
Deal with a complaint about {thing} from {person}
| {person} complains about {thing}
| complaint from {person}: {thing}
$thing: a late parcel; a broken vase; a wrong size; cold food; a double charge
a* Read what {person} says about {thing}. ~read: I read the message
b Check the [order] in the system. ~check: the order is checked
c<a* Say [sorry] to {person} for {thing}{when}.
d<b* Offer {person} a [refund]{money}.
e<d Note the [cause]{who}.
f<cd Ask next week if all is [well].
-d refund: no refund possible; without a refund => Offer {person} a [voucher].
+c by phone; {person} wants a phone call => Say sorry to {person} by [phone].

@volunteers
Find {num} volunteers for {event} | {event} needs {num} volunteers | {num} volunteers wanted, {event}
$event: the beach clean-up; the food bank; a blood drive; the library; the lantern parade
a* Write down the [jobs] at {event}. ~write: the jobs are written down
b<a* Ask for {num} volunteers on the village [website]{when}.
c<a Hang a [notice] in the shops{who}. ~notice: the notice hangs
d<b* Give each of the {num} a [shift].
e<d Explain the [safety] rules{mins}.
f<d Thank them with [cake]{money}.
-b internet: no internet there; without internet => Ask for {num} volunteers at the [market].
+d two are under 16; some are under 16 => Give each of the {num} a shift, easy ones under [16].

@volunteers
Collect {things} for {org} | {org} asks for {things} | {things} for {org}, how to collect
$things: winter coats; tinned food; school books; toys; blankets
$org: the shelter; a refuge; the children's home; a hospital
a* Ask {org} which {things} it [needs]. ~ask: {org} told us
b<a* Place a [box] for {things} in the town hall{when}. ~place: a box for them stands there
c<a Print [leaflets]{money}. ~print: the leaflets are printed
d<b Sort the {things} by [size]{who}.
e<bd* Drive the {things} to [{org}].
f<e Tell donors the [result]{mins}.
-e car: we have no car; without a car => Take the {things} to {org} by [tram].

@family
Plan a {day} with my {family} | {day} with my {family}, any plan | I promised my {family} a {day}
$day: rainy afternoon; day at the lake; picnic; trip to the woods; board game evening
$family: grandchildren; parents; twins; cousins
a* Ask your {family} what they [like]. ~ask: I asked them
b* Check the [weather] for the {day}. ~weather: the weather will be fine
c<a Pack [food] for the {day}{money}. ~pack: the food is packed
d<a* Get your {family} ready{when}.
e<d Play a [game] together{mins}.
f<e Take a [group picture]{who}.
+c the youngest is vegan; one is vegan => Pack [vegan] food for the {day}{money}.

@family
Set up a {thing} for the family | our family needs a {thing} | {thing}, {num} people, nobody agrees
$thing: cleaning rota; shared calendar; weekly menu; pocket money plan
a* List what the {thing} must [cover]{mins}. ~list: we have listed that
b<a Hear what each person [wants]{who}.
c<a* Draft the {thing} on one [page].
d<bc Talk about it at [dinner]{when}.
e<c* Hang the {thing} on the [fridge].
f<e Review it after a [month].
-c app: no apps; without an app => Draft the {thing} on [cardboard].
+c the toddler can't read; one of us can't read => Draft the {thing} with pictures to [read].

@car
Get the {car} through its inspection | My {car} has its inspection soon | {car}, inspection
$car: van; old Fiat; camper; hatchback
$tool: a tyre gauge; a torch; a cloth
a* Make an [appointment] for the {car}{when}. ~appointment: the appointment is made
b* Check all [lights] of the {car}{who}. ~light: the lights work
c Measure the [tyres]{tool}. ~tyre: the tyres are new
d Top up [oil] and water. ~oil: the oil is fine
e<bcd Fix what you [found]{money}.
f<ae* Drive the {car} to the [garage].
+b the horn is broken; the horn doesn't work => Check lights and [horn] of the {car}.

@car
Get help after my {car} broke down near {city} | the {car} died near {city} | {car} broken down, near {city}
$car: hire car; motorbike; minibus; scooter
a* Stop the {car} and switch on the [hazard lights]. ~hazard: the hazard lights are on
b<a Put on a safety [vest].
c<ab Place the warning [triangle]{who}. ~triangle: the triangle is out
d<a* Call for [help] and name {city}{when}. ~call: I have called for help
e<d* Wait behind the [barrier] near {city}.
f<d Tell whoever [expects] you.
-d phone: my phone is dead; no phone => Walk to the emergency [post] near {city}.
+b there are two children with me; two children are in it => Take the [children] out on the safe side.

@music
Learn {piece} on the {instrument} | I'd like to play {piece} on the {instrument} | {piece}, {instrument}, beginner
$piece: a simple waltz; Happy Birthday; a blues; Ode to Joy
$instrument: piano; ukulele; violin; flute; harmonica
a* Listen to {piece} three [times]. ~listen: I know it by ear
b Tune the {instrument}. ~tune: the {instrument} is tuned
c<a* Play the first [line] slowly{mins}.
d<c Add the second [half].
e<bc* Play {piece} on the {instrument} [daily]{who}.
f<e Perform it for a [friend]{when}.
-c note: I can't read notes; without notes => Copy the first line from a [video].

@photos
Make a {thing} of our {event} | {thing} of the {event}, too many photos | I want a {thing} from the {event}
$thing: photo book; slide show; calendar; collage
$event: wedding; hike; summer camp; anniversary; baptism
a* Gather all photos of the {event}{who}. ~gather: the photos are gathered
b<a* Choose the {best} [best] ones{mins}. ~choose: the best are chosen
$best: 24; 30; 40; 12
c<b Correct the [brightness].
d<b* Arrange them in a {thing}.
e<d Add short [captions].
f<de Order the [print]{money}{when}.
+b {person} must be in it; with {person} please => Choose the {best} best ones, with [{person}].

@writing
Write a {text} for {person} | {person} deserves a {text} | {text}, to {person}, no idea what to say
$text: letter of thanks; farewell speech; wedding toast; letter of apology
a* Note three [things] that you want to say{mins}. ~note: I have my notes
b<a Pick one [story] about {person}{who}.
c<a* Write the {text} in short [sentences].
d<bc Read it [aloud] once.
e<c* Cut what {person} would find [boring].
f<de Copy it on good [paper]{when}.
+c it must be funny; make it funny => Write the {text} so that it's [funny].
-c poem: no poem; not a poem => Write the {text} in [plain] prose.

@sport
Organise a {sport} match against {team} | {sport} match, we against {team} | We play {sport} against {team}
$sport: football; volleyball; cricket; table tennis; netball
$team: the firemen; the next village; the old boys; class 7b
a* Agree with {team} on a [day]. ~agree: the day is agreed
b<a* Reserve a place for the {sport} match{when}{money}. ~reserve: the place is reserved
c<a Find a [referee]{who}. ~referee: we have a referee
d<a* Name your [players] against {team}.
e<b Bring [balls] and water. ~ball: balls are there
f<cde Warm up [together]{mins}.
+d two players are injured; we miss injured players => Name players against {team}, none [injured].

@documents
Renew my {doc} | my {doc} runs out | {doc} expires in {month}
$doc: passport; driving licence; residence permit; library card
$month: March; July; August; December
a* Find out what the {doc} office [needs]{mins}. ~find out: I know what they need
b Get a new [photo]{money}. ~photo: the photo is taken
c<a* Fill in the [form] for the {doc}. ~form: the form is filled in
d<a Make an [appointment]{when}. ~appointment: I have an appointment
e<bc* Hand in the old {doc} with the form{who}.
f<e Keep the [receipt].
-d online: I can't do it online; not online => Go to the {doc} office in [person].
"""
