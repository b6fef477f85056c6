"""Goals of the ``task`` generator for measurement; no training goal shares its asks, steps or constraints."""

from __future__ import annotations

GOALS = """
@trips
Arrange a ferry crossing to {city} for {num} cyclists
| {Num} cyclists want the ferry to {city}
| ferry to {city}, {num} cyclists
a* Look up the [timetable] to {city}. ~timetable: the timetable is printed out
b<a* Buy ferry places for {num} cyclists{money}. ~ferry places: the ferry places are paid for
c<a Ask where the bikes get [tied] up{who}.
d<b Pack a warm [jumper] for the deck.
e<bc* Be at the harbour in [time]{when}.
+b one rides a tandem; there's a tandem => Buy places for {num} cyclists and the [tandem].

@parties
Put on a {feast} with {num} families | {Num} families, one {feast}, no plan yet | {feast}, {num} families
$feast: barbecue; harvest supper; pancake breakfast; potluck
a* Let the {num} families vote on the [hour].
b<a* Assign one [dish] to each family. ~assign: dishes are assigned already
c<a Borrow [benches]{who}. ~bench: benches are waiting in the barn
d<b Buy plates and [cups]{money}.
e<bc* Open the {feast} with a [toast]{when}.
f<e Divide the [leftovers] fairly.
+b one family keeps kosher; kosher for one family => Assign dishes and reserve a [kosher] one.

@moving
Store the furniture of a {flat} for {months} months
| I go abroad {months} months, the {flat} must be empty
| furniture of a {flat}, storage for {months} months
$flat: loft; bungalow; dormitory room
$months: two; four; eight; 11
a* Measure how much [room] the furniture takes.
b<a* Hire storage for {months} months{money}. ~hire: storage is hired
c Take [beds] and tables apart{tool}{who}. ~apart: beds and tables are apart
d<c Cover the [sofa] with sheets.
e<bc* Carry everything from the {flat} into [storage]{when}.
$tool: an Allen key; a mallet
+d mice live there; there are mice => Cover it all against [mice].

@repairs
Free a blocked {drain} [drain] | The {drain} [drain] is blocked again | blocked {drain} [drain], smells bad
$drain: shower; washbasin; balcony; yard
$tool: a plunger; a bent wire; a rubber glove
a* Lift the cover off the {drain} drain{who}.
b<a* Pull out [hair] and dirt{tool}{mins}.
c<b Pour soda and [vinegar] in.
d<bc* Flush the {drain} drain with [hot] water{when}.
e<d Put a [sieve] over it{money}. ~sieve: a sieve is on it
-c vinegar: we're out of vinegar; without vinegar => Pour soda and [lemon] in.

@repairs
Replace the [zip] of a {cloth} | The [zip] of my {cloth} is torn | {cloth}, torn [zip], can it be saved
$cloth: parka; sleeping bag; rucksack pocket; skirt
$tool: a seam ripper; nail scissors
a* Measure the old zip of the {cloth}.
b<a Order a matching [one]{money}. ~order: the new one lies here
c<a* Unpick the torn [seam]{tool}.
d<bc Baste the new zip with loose [stitches]{who}.
e<d* Sew the zip into the {cloth} [firmly]{mins}.
f<e Slide it up and [down] to try it{when}.
-e sewing machine: not by sewing machine; the sewing machine is lent out => Backstitch the zip into the {cloth}.

@gardening
Keep {pest} away from my {crop} | {Pest} eat my {crop} every night | {pest} vs my {crop}
$pest: slugs; pigeons; caterpillars; voles
$crop: cabbages; beans; pumpkins; cherries
a* Search the {crop} for signs of [{pest}]{mins}.
b<a Collect what you find at [dusk]{who}.
c<a* Shield the {crop} with fine [mesh]{money}. ~mesh: the mesh is up
d<c Plant strong-smelling [garlic] around.
e<c* Count the {pest} again in [seven] days{when}.
-d pesticide: no pesticide; without pesticide => Attract [toads] with a wet corner.

@cooking
Preserve {veg} for winter | {Veg} everywhere, I want some for winter | {veg}, winter supply
$veg: green beans; gherkins; tomatoes; peppers; beetroot
a* Sort out spoilt [{veg}]{who}. ~sort: the spoilt ones are sorted out
b<a Slice them into [even] bits.
c Stir a [brine] of salt and vinegar{money}. ~brine: the brine is ready
d<bc* Cover the {veg} with [brine] in clean glasses{mins}.
e<d* Seal the {veg} and let them [stand]{when}.
f<e Turn the glasses [over] once a week.
+d grandpa likes it hot, so add chilli; with chilli => Cover the {veg} with brine and [chilli].

@cooking
Serve a {meal} to a toddler and {num} adults
| a toddler and {num} adults want a {meal}
| {meal} for {num} adults plus a toddler
$meal: brunch; Sunday roast; fondue; taco night
a* Pick mild [spices] for the toddler.
b* Get groceries for {num} adults and the [toddler]{money}. ~groceries: the groceries are home
c<b Peel and [dice] what takes longest{who}.
d<c* Cook the {meal} in two [pots]{mins}.
e<d Mash a portion with a [fork].
f<de Bring it to the table [lukewarm]{when}.
-a egg: the toddler can't have egg; egg is off limits => Pick mild [herbs] for the toddler.

@cleaning
Freshen up {thing} that smells of {smell} | {thing} smells of {smell}, awful | {smell} smell in {thing}
$thing: the fridge; my sports bag; the car seats; a thermos
$smell: fish; smoke; mould; sour milk
$tool: a toothbrush; baking powder; ground coffee
a* Empty {thing} [completely]. ~empty: {thing} is empty
b<a* Scrub {thing}{tool}{mins}.
c<b Leave coffee grounds in it [overnight]{who}.
d<bc* Sniff whether the {smell} has [gone]{when}.
e<d Keep {thing} [ajar] for a day.
+b it is made of suede; careful, suede => Brush the [suede] gently with a dry sponge.

@software
Rotate the {secret} of {service} | Someone saw the {secret} of {service} | {secret}, {service}, leaked
$secret: password; signing key; access token; certificate
$service: the mail relay; our payment gateway; the staging cluster; the printer portal
a* Issue a fresh {secret} for {service}.
b<a* Swap the {secret} in {service}{when}{who}.
c<b Revoke the [leaked] one. ~revoke: the leaked one is revoked
d<b* Confirm that {service} [connects]{mins}.
e<cd Search for [intruders] in the audit trail.
f<d Inform the [security] officer.
+b zero downtime, shoppers are online; keep shoppers online => Swap the {secret} while [shoppers] stay connected.

@software
Onboard {person} to the {team} team | {person} joins the {team} team on {weekday} | onboarding {person}, {team} team
$team: payments; mapping; firmware; search
a Create [accounts] for {person}. ~account: the accounts exist
b<a* Walk {person} through the {team} [architecture]{mins}.
c<b Pair on a tiny [fix]{who}.
d<b* Let {person} ship a small {team} [change]{when}.
e<d* Gather [feedback] from {person}.
f<a Lend {person} a [headset]{money}.
+b {person} works from abroad; working from abroad => Explain the {team} architecture to {person} [abroad] remotely.

@backups
Archive {what} of {year} on {medium} | {what} of {year} must go to {medium} | {what} {year}, onto {medium}
$what: the scans; the meeting recordings; the lab data; the ledgers
$year: 2017; 2019; 2021; 2022
$medium: tape; a Blu-ray disc; two hard disks; cold storage
a* Select {what} of [{year}]{who}. ~select: the selection is made
b<a Compress {what} into one [bundle]{mins}.
c<b Compute a [checksum].
d<abc* Burn or write {what} to {medium}{money}.
e<d* Read one item of {year} [back]{when}.
f<e Lock it in the [safe].
+d the auditors want a signed list; auditors want a list => Write {what} to {medium} and list it for the [auditors].

@office
chain
$thing: poster; brochure; menu; badge
a Proofread the [{thing}] in English.
b<a Replace the [logo] at the top.
c<b Send a [draft] to {person}.
d<c Enter the wishes from [{city}].
e<d Order 300 [prints]{when}.
f<e Pin one to the [noticeboard].

@office
chain
$unit: warehouse; clinic; depot; lab
a Fetch last month's [roster] from the {unit}.
b<a Highlight the [uncovered] shifts.
c<b Phone [{person}] about Tuesday night.
d<c Publish the new [version]{when}.
e<d Shred the [outdated] copies.

@data
chain
$obj: rainfall; attendance; visitors; mileage
a Copy the [{obj}] log off the logger.
b<a Convert all times to [UTC].
c<b Average it by [week].
d<c Plot a [curve] for {city}.
e<d Hand the curve to [{person}]{when}.
f<e Delete the [raw] log.

@job hunt
Negotiate the start of my job at {firm} | {firm} wants me sooner than I can | job at {firm}, starting date
$firm: the water board; a film studio; the ferry line; an insurer
a* Check the [notice] period in your contract. ~notice period: I know my notice period
b<a* Propose a [starting date] to {firm}{when}.
c<b Offer a [handover] afternoon{who}.
d<b* Get the date from {firm} in [writing]{mins}.
e<d Resign [politely].
+b I have a surgery first; there's a surgery to get over => Propose a date after the [surgery] to {firm}.

@study
Give a {min}-minute [presentation] on {topic}
| [Presentation] on {topic}, {min} minutes, next week
| {topic}, {min}-minute [presentation]
$min: five; eight; ten; 15
$topic: tides; the Silk Road; vaccines; jazz; honey
a* Choose three [claims] about {topic}. ~claim: the claims are chosen
b<a Find one [image] for each claim{who}.
c<a* Draw slides for the presentation on {topic}{money}.
d<c* Time yourself until {min} minutes [suffice]{mins}.
e<d Anticipate two [objections].
f<d Rehearse it [aloud] once more{when}.
-c slides: no slides, the beamer is gone; without slides => Sketch {topic} on a [flipchart].

@events
Run a {stall} at the {fair} | {stall} at the {fair}, we said yes | our club runs a {stall} at the {fair}
$stall: tombola; waffle stand; face-painting table; lucky dip
$fair: spring fair; harbour festival; Christmas market; sports gala
a* Request a [pitch] at the {fair}. ~pitch: our pitch is confirmed
b<a Collect [prizes] and supplies{money}.
c<a* Draw up [turns] for the {stall}{who}.
d<bc* Set the {stall} up [early]{when}.
e<d Count the takings at [closing].
+c children under ten will help; kids under ten are helping => Draw up turns with an adult beside those under [ten].

@finances
Split the cost of {thing} among {num} flatmates
| {thing} cost a lot, {num} flatmates share
| {thing}, {num} flatmates, who pays what
$thing: the heating; a washing machine; the broken window; the internet
a* Dig out the [invoice] for {thing}. ~invoice: the invoice is on the table
b<a* Divide the sum by the {num} [flatmates]{mins}.
c<b Message everyone their [share]{who}.
d<c* Gather the money for {thing}{when}.
e<d Put the [proof] in the hallway folder.
+b one was absent half the year; one flatmate was absent => Divide it by {num} flatmates, less for the [absent] one.

@pets
Introduce {new} to {old} | {new} moves in with {old} | {new} meets {old}, worried
$new: a kitten; a second budgie; a foster dog; a young ferret
$old: our old cat; the spaniel; the house rabbit
a* Give {new} a separate [den]. ~den: the den is furnished
b<a Exchange their [blankets]{who}.
c<ab* Let {new} see {old} through a [gate]{mins}.
d<c* Feed {new} [beside] {old}{when}.
e<d Separate them at the first [hiss].
+c {old} is blind; blind companion => Let {new} meet {old} by voice, as one is [blind].

@health
Cut down on {habit} in {weeks} weeks | Too much {habit}, I have {weeks} weeks | {habit}: less, {weeks} weeks
$habit: coffee; sweets; late snacks; cigarettes
$weeks: two; three; four; six
a* Tally the {habit} of a normal [day]. ~tally: the tally is done
b<a* Lower the {habit} step by step over {weeks} weeks{who}.
c Keep [substitutes] at hand{money}.
d<b Take a [walk] at each craving{mins}.
e<b* Compare the tally after {weeks} weeks{when}.
+c I hate tea; tea is no option => Keep fizzy water at hand instead of [tea].

@crafts
Dye {thing} {colour} | I want {thing} {colour} | {thing}, {colour} dye
$thing: a faded shirt; cotton socks; a wool scarf; pillowcases
$colour: dark green; indigo; orange; burgundy
$tool: an old saucepan; rubber gloves; a wooden spoon
a* Weigh {thing} while [dry]. ~weigh: I've weighed everything
b<a* Dissolve the {colour} dye{tool}{money}.
c<a Wet {thing} [through].
d<bc* Stir {thing} in the {colour} bath{mins}.
e<d Rinse until the water runs [clear]{who}.
f<e Hang it up [indoors]{when}.
-b synthetic: nothing synthetic; I avoid synthetic dye => Boil [onion] skins for {colour} dye.

@shop
Launch {product} in our {shop} | Our {shop} gets {product} | {product}, new in the {shop}
$product: a loyalty card; gift wrapping; oat ice cream; a repair service
$shop: tea shop; toy shop; pharmacy; garden centre
a* Ask twenty [customers] about {product}. ~ask twenty: twenty customers were asked
b<a* Calculate the [margin] of {product}{mins}.
c<b Brief the [staff]{who}.
d<bc* Announce {product} in the {shop} [window]{when}.
e<d Hand out [samples]{money}.
f<d Review the [sales] after a fortnight.
-d discount: no discount; without a discount => Announce {product} in the {shop} with a [riddle].

@volunteers
Start a {scheme} in {city} | {city} lacks a {scheme} | {scheme}, {city}, neighbours are keen
$scheme: repair café; tool library; walking bus; visiting service; seed exchange
a* Gather neighbours who want a {scheme}. ~gather: the neighbours are gathered
b<a* Look for free [premises] in {city}{who}. ~premises: premises are promised
c<b Settle [insurance]{money}.
d<b* Invite {city} to a [trial] day{when}.
e<d Note what [failed]{mins}.
f<e Elect a small [committee].
+b it has to be near the tram; near the tram please => Look for premises in {city} near the [tram].

@family
Write down grandma's {story} | grandma tells her {story}, I want it on paper | grandma, {story}, before it's forgotten
$story: recipes; wartime memories; songs; family tree
a* Fix quiet [hours] with grandma. ~hours: the hours are fixed
b<a* Record grandma's {story}{mins}{who}.
c<b Clarify unclear [names].
d<b* Type out the {story} in [order]{when}.
e<d Add a [portrait]{money}.
f<d Give each [relative] a copy.
-b microphone: grandma dislikes a microphone; leave the microphone at home => Note grandma's {story} by [pencil].
"""
