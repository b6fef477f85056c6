# ruff: noqa: E501 - a line holds values, not code
"""Pools of the values that requests mention; every fifth of a long pool is for held-out drafts only."""

from __future__ import annotations

POOLS = {
    name: tuple(text.strip().split("|"))
    for name, text in {
        "city": "Oslo|Lisbon|Nairobi|Kyoto|Leeds|Toronto|Lima|Hanoi|Bergen|Porto|Denver|Cairo|Ghent|Seville|Accra|Dublin"
        "|Austin|Osaka|Krakow|Perth|Bologna|Tallinn|Quito|Lyon|Glasgow|Mumbai|Helsinki|Santiago|Basel|Tbilisi|Utrecht"
        "|Valencia|Chicago|Bristol|Zagreb|Montreal|Durban|Malmo|Rotterdam|Cork|Hamburg|Naples|Tunis|Busan|Cape Town"
        "|New Orleans|San Diego|Salt Lake City|Buenos Aires|Ho Chi Minh City|Tel Aviv|Abu Dhabi|Rio de Janeiro|Turin"
        "|Aarhus|Kigali|Wellington|Sapporo|Odessa|Granada",
        "us_place": "Austin, Texas|Boise, Idaho|Tampa, FL|Portland, OR|Madison, Wisconsin|Reno, NV|Omaha, Nebraska"
        "|Boulder, CO|Savannah, Georgia|Albany, NY|Tucson, AZ|Fresno, CA|Duluth, Minnesota|Dayton, Ohio|Mobile, AL"
        "|Eugene, Oregon|Santa Fe, NM|Chapel Hill, NC|Burlington, VT|Lincoln, NE|Baton Rouge, LA|Spokane, WA"
        "|Knoxville, Tennessee|Ann Arbor, MI|Providence, RI",
        "country": "Norway|Peru|Kenya|Japan|Portugal|Canada|Vietnam|Brazil|Ghana|Finland|Chile|Morocco|Iceland|Poland"
        "|Thailand|Egypt|Greece|Nepal|Cuba|Austria|New Zealand|South Korea|Sri Lanka|Costa Rica|Estonia|Uruguay|Jordan"
        "|Belgium|Ireland|Malta",
        "region": "the Alps|the Lake District|Tuscany|Patagonia|Bavaria|Andalusia|Cornwall|the Highlands|Brittany|Crete"
        "|Sicily|the Black Forest|Tasmania|Lapland|Provence|the Cotswolds|Galicia|Vermont|Okinawa|the Dolomites",
        "person": "Ana|Omar|Priya|Jonas|Yuki|Leo|Hannah|Kofi|Claire|Miguel|Nadia|Tom|Beth|Arjun|Freya|Sam|Ingrid|Wen|Lucia"
        "|Pavel|Amara|Felix|Rosa|Diego|Mei|Anders|Zoe|Karim|Elena|Noah|Sofia|Tariq|Greta|Hugo|Maya|Viktor|Lena|Ravi"
        "|Carmen|Otto|Farah|Ben|Nina|Idris|Julia|Marek|Tess|Hassan|Olga|Peter|Ruth|Kenji|Alba|Dmitri|Grace|Luca|Sade"
        "|Emil|Irene|Juan",
        "surname": "Okafor|Lindqvist|Novak|Tanaka|Moreau|Haddad|Silva|Keller|Murphy|Rossi|Patel|Nguyen|Berg|Costa|Ivanova"
        "|Schmidt|Dubois|Mensah|Larsen|Romero|Fischer|Kaya|Walsh|Sato|Horvat|Bianchi|Reyes|Olsen|Demir|Clarke|Popov"
        "|Vargas|Jansen|Abbas|Byrne|Torres|Laine|Weber|Ferreira|Dlamini",
        "contact": "Mum|Dad|Aunt Vera|Uncle Pete|Grandma|my sister|the landlord|the plumber|Coach Daniels|Mr Adeyemi"
        "|Dr Holm|Mrs Haddad|the team|my boss|the babysitter|Cousin Ida|the school office|the vet|my roommate"
        "|Professor Kaya",
        "company": "Northwind|Brightleaf|Acme Tools|Harbor Freight Co|Lumen Labs|Bluefin Foods|Orchard Bank|Kestrel Media"
        "|Pinecone Books|Delta Motors|Solara Energy|Ridgeway Ltd|Copperhead Games|Nimbus Air|Velvet Coffee|Granite Homes"
        "|Tidewater Shipping|Fernhill Farms|Apex Dental|Stellar Optics|Juniper Health|Ironbridge Steel|Mosaic Design"
        "|Redwood Legal|Sable Fashion",
        "product": "running shoes|a desk lamp|wireless headphones|a cast iron pan|a yoga mat|a rain jacket|printer paper"
        "|a camping stove|a phone case|olive oil|a standing desk|dog food|a coffee grinder|a backpack|AA batteries"
        "|a water bottle|a garden hose|a bike helmet|bath towels|a board game|a toaster|green tea|a sleeping bag"
        "|a USB-C cable|a mechanical keyboard|a picture frame|wool socks|a tool box|a blender|a night light",
        "item": "milk|eggs|rye bread|oat milk|bananas|rice|tomatoes|butter|coffee beans|toilet paper|onions|yoghurt|apples"
        "|pasta|carrots|washing powder|cheddar|lemons|spinach|chicken thighs|honey|flour|garlic|peanut butter|lentils"
        "|soap|cat litter|mushrooms|potatoes|oranges",
        "ingredient": "chicken|chickpeas|salmon|rice|tofu|spinach|potatoes|mushrooms|lentils|eggplant|shrimp|beef|tomatoes"
        "|coconut milk|zucchini|black beans|pumpkin|feta|cauliflower|quinoa|leeks|cabbage|pork|peppers|sweet potato",
        "dish": "lasagne|pad thai|mushroom risotto|shakshuka|banana bread|chicken curry|tomato soup|paella|ramen|apple pie"
        "|falafel|beef stew|pancakes|moussaka|goulash|fish tacos|dal|carbonara|ratatouille|chocolate brownies|pho|hummus"
        "|shepherd's pie|gazpacho|dumplings",
        "cuisine": "Italian|Thai|Mexican|Indian|Greek|Japanese|Lebanese|Ethiopian|Korean|Spanish|Vietnamese|Turkish|French"
        "|Peruvian|Moroccan",
        "song": "Blue Harbor|Paper Moons|Midnight Train Home|Golden Hour Drive|River of Glass|Hold the Line Again|Satellite"
        " Hearts|Slow Dancing Rain|Desert Bloom|The Last Lighthouse|Echo Park|Cinnamon Skies|Wild Geese|Northern Lights"
        "|Broken Compass|Summer in Reverse|Velvet Thunder|Kite Season|Ten Thousand Miles|Lantern Song|Hollow Moon|Saltwater"
        "|Daydream Alley|Iron Feathers|Winter Postcard",
        "artist": "The Velvet Foxes|Luna Park|Mira Delgado|Stone Harbor|The Night Owls|Kofi Mensah Trio|Ada and the Tides"
        "|Silver Arrows|DJ Marlow|Elsa Brandt|Copper Canyon|The Paper Kings|Nina Rojas|Glass Orchard|Polar Radio"
        "|Amber Lane|The Slow Rivers|Tomas Vega|Juniper Hall|Black Kettle",
        "genre": "jazz|rock|classical|hip hop|folk|electronic|blues|reggae|country|ambient|soul|metal|indie|salsa|funk",
        "playlist": "Morning Run|Focus Time|Road Trip|Rainy Sunday|Dinner Party|Gym Boost|Sleep Sounds|Kids' Favourites"
        "|Throwback Mix|Study Beats|Summer Nights|Deep Work|Cleaning Day|Acoustic Evening|Party 2024|Slow Mornings"
        "|Workout Hits|Chill Vibes|Commute|Holiday Songs",
        "film": "The Glass River|Night Ferry|Seven Lanterns|A Quiet Orbit|Red Dust Road|The Clockmaker|Last Stop Vienna"
        "|Paper Tigers|Under the Ice|Copper Sky|The Beekeeper's Son|Half Past Never|Salt and Thunder|The Long Harvest"
        "|Moonbase Alpha|Two Weeks in June|Stray Dogs|The Inheritance of Wind|Silent Canyon|Blue Tram",
        "book": "The Winter Orchard|A Map of Salt|Ten Small Gods|The Cartographer's Daughter|Night Swimming|Iron and Ivy"
        "|The Silent Tide|Letters to Marrakesh|Beneath the Banyan|The Clay Garden|Ashes of Autumn|The Glass Bell"
        "|Crossing the Tundra|The Second Moon|A Field Guide to Owls|Bread and Bones|The Paper House|Old Rivers"
        "|The Lighthouse Tax|Small Hours",
        "author": "Elif Demir|Tomas Berg|Grace Mensah|Hanna Laine|Ravi Patel|Lucia Romero|Peter Walsh|Mei Tanaka|Ida Novak"
        "|Omar Haddad|Claire Dubois|Jan Horvat|Sofia Rossi|Kenji Sato|Alba Torres",
        "topic": "renewable energy|the housing market|electric cars|space exploration|artificial intelligence|climate policy"
        "|football transfers|inflation|remote work|vaccines|ocean plastic|the film festival|chess|quantum computing"
        "|coffee prices|wildfires|public transport|women's tennis|cyber security|school meals|whale migration|bee decline"
        "|nuclear fusion|street art|high-speed rail|semiconductors|urban farming|mental health|earthquakes|archaeology",
        "message": "I'm stuck at the border|the spare bike is in the shed|dinner is at eight|congratulations on the new flat"
        "|can you pick up some bread|the call starts at 4 instead|I landed safely|thanks for the flowers|see you at the station"
        "|the parcel has arrived|don't forget your passport|practice is cancelled today|I got the job|call me when you can"
        "|we need more paint|the wifi is back|bring a warm jacket|the tickets are booked|I'll be home by six"
        "|the car is at the garage|good luck with the exam|the demo went well|please water the plants|lunch is on me"
        "|the rehearsal starts at noon|grandpa is feeling better|the report is ready|I left my umbrella at your place"
        "|we won the game|the heating is fixed|are you free on Sunday|the cake was delicious|traffic is terrible"
        "|your order is ready|the baby is asleep|let's take the earlier train|the invoice is paid|the pool is closed today"
        "|I forgot my charger|the dog has been fed",
        "title": "Team lunch|Dentist|Budget review|Yoga class|Project kickoff|Parents' evening|Sprint planning|Piano lesson"
        "|Board meeting|Haircut|Client call|Book club|Car inspection|Product demo|Birthday dinner|Flu shot|Design review"
        "|Football practice|Quarterly report|Gallery opening|Job interview|House viewing|Choir rehearsal|Vet visit"
        "|Coffee with Marta|Tax appointment|Safety training|Swimming lesson|Film night|Weekly sync",
        "chore": "phone the tailor|pay the rent|prune the roses|send the mileage sheet|pick up the parcel|book the optician"
        "|renew my parking permit|take out the compost|mail the receipts|charge the bike|return the board games|buy stamps"
        "|clean the fridge|feed the goldfish|change the sheets|back up the laptop|order printer ink|check the gas meter"
        "|move the trailer|iron my shirt|write the thank-you note|sign the contract|defrost the chicken|walk the dog"
        "|print the boarding pass|cancel the gym membership|lock the shed|ring the insurer|do my back exercises|update the spreadsheet",
        "note": "the spare key is with Nadia|buy ginger tea|bike lock code 5082|idea: podcast about maps|router name MapleNet"
        "|parking spot B14|the boiler needs a new valve|shoe size 42|meeting notes are in the blue folder|paint colour is sage"
        "|try the new bakery|the plumber comes on Tuesday|return the drill to Tom|gift idea: a telescope"
        "|flight lands at 18:20|water the ferns twice a week|the alarm code is 4419|ask about the refund|measure the windows"
        "|recycling is on Thursday",
        "sentence": "Where is the train station?|I would like a coffee|Thank you very much|The meeting starts at nine"
        "|How much does this cost?|My luggage is lost|Good morning, everyone|The soup is too hot|I am allergic to nuts"
        "|Can I pay by card?|We are looking for the museum|The weather is lovely today|Please speak slowly|I need a doctor"
        "|See you next week|The door is locked|What time is breakfast?|I missed the last bus|Congratulations on your wedding"
        "|Is this seat taken?|Turn left at the bridge|The children are asleep|Have a nice trip|I lost my keys"
        "|The bill, please",
        "review": "The room was spotless and the staff were kind|Terrible service and cold food|The battery dies after an hour"
        "|Best purchase of the year|The plot drags but the acting is great|Delivery was late again|I love this app"
        "|It broke on the first day|Great value for the price|The support team never answered|Comfortable and light"
        "|The sound is muddy|A wonderful evening from start to finish|Not worth the money|Easy to set up"
        "|The colours faded after one wash|Friendly drivers and clean buses|The new update ruined everything"
        "|Fast, quiet and cheap|I would not stay there again",
        "language": "French|German|Spanish|Italian|Japanese|Portuguese|Korean|Polish|Swedish|Turkish|Greek|Dutch|Arabic"
        "|Hindi|Finnish|Czech|Swahili|Thai|Danish|Ukrainian",
        "currency": "USD|EUR|GBP|JPY|CHF|CAD|AUD|SEK|NOK|INR|BRL|MXN|PLN|ZAR|KRW|SGD|NZD|CZK|DKK|TRY",
        "ticker": "ACME|NWND|BLF|KSTL|ORCH|TDWR|SLRA|RDGE|NMBS|VLVT|GRNT|APXD|STLR|JNPR|IRNB|MSC|RDWD|SBL|LUMN|FRNH",
        "airport": "LHR|OSL|JFK|LIS|NRT|CDG|AMS|SFO|DUB|MAD|FCO|ORD|BOS|ZRH|HEL|SIN|GRU|CPT|YYZ|VIE",
        "team": "River City Hawks|Northport United|Lakeside Lions|Redhill Rovers|Harbor Sharks|Stonebridge FC|Valley Wolves"
        "|Eastwood Eagles|Granite Bears|Silverlake Stars|Westmoor Wanderers|Capital Comets|Ironvale Bulls|Oakfield Owls"
        "|Bayview Breakers|Summit Storm|Kingsport Knights|Prairie Foxes|Delta Dragons|Coastal Cranes",
        "league": "Premier League|NBA|Serie A|NHL|La Liga|MLB|Bundesliga|WNBA|Eredivisie|Ligue 1",
        "sport": "tennis|basketball|football|swimming|cycling|rowing|badminton|hockey|volleyball|running|climbing|golf",
        "exercise": "squats|push-ups|a 5k run|yoga|rowing|cycling|swimming|planks|jumping jacks|pilates|lunges|a brisk walk"
        "|deadlifts|boxing|stair climbing|burpees|a spin class|tai chi|skipping rope|hiking",
        "symptom": "a sore throat|back pain|a headache|a rash|fever|a blocked nose|knee pain|dizziness|a cough|earache"
        "|stomach cramps|itchy eyes|a stiff neck|heartburn|fatigue",
        "medicine": "ibuprofen|amoxicillin|metformin|cetirizine|vitamin D|omeprazole|paracetamol|lisinopril|insulin"
        "|melatonin|aspirin|loratadine|iron tablets|salbutamol|atorvastatin",
        "food": "two boiled eggs|a banana|oatmeal|a cheese sandwich|grilled salmon|a bowl of lentil soup|an apple"
        "|a slice of pizza|Greek yoghurt|chicken salad|a protein bar|rice and beans|a croissant|tomato pasta|an avocado",
        "plant": "monstera|basil|tomatoes|roses|lavender|cactus|orchid|hydrangea|mint|strawberries|fern|olive tree|peony"
        "|snake plant|rosemary|sunflowers|aloe vera|lemon tree|begonia|zucchini",
        "pet": "Miso|Biscuit|Rex|Luna|Pepper|Ziggy|Mochi|Bruno|Olive|Pixel|Shadow|Daisy|Otis|Nala|Waffles|Cleo|Rufus|Tofu"
        "|Hazel|Bandit",
        "breed": "golden retriever|beagle|Siamese|border collie|Maine Coon|poodle|dachshund|Persian|labrador|corgi|Bengal"
        "|greyhound|husky|ragdoll|pug",
        "room": "kitchen|bedroom|living room|bathroom|hallway|garage|office|nursery|dining room|basement|attic|guest room",
        "appliance": "coffee machine|dishwasher|heater|fan|air purifier|washing machine|humidifier|oven|TV|radio|dryer|kettle",
        "colour": "red|blue|green|purple|orange|warm white|pink|yellow|turquoise|white",
        "hotel": "Hotel Aurora|The Grand Birch|Seaview Inn|Casa Verde|The Lantern House|Hotel Meridian|Riverside Lodge"
        "|The Old Mill|Palm Court Hotel|Nordic Stay|The Copper Kettle Inn|Villa Serena|Hotel Bellevue|Station Hotel"
        "|The Fox and Crown|Harbour Suites|Alpine Rest|The Blue Door|Hotel Mirador|Park Lane Rooms",
        "restaurant": "Luigi's|The Golden Fork|Sakura House|Casa Pepe|Bistro Nord|The Spice Route|Olive & Thyme|Blue Lagoon"
        "|Mama Lena|The Green Table|El Toro|Noodle Barn|La Petite Cour|The Salty Dog|Taverna Mylos|Curry Leaf|Dock 9"
        "|The Copper Pot|Pho Corner|Sunday Kitchen",
        "landmark": "the Eiffel Tower|Central Park|the harbor|Tower Bridge|the train station|the old town|the opera house"
        "|the city museum|the botanical garden|the cathedral|the stadium|the airport|the university|the central market"
        "|the ferry terminal|the town hall|the zoo|the lighthouse|the main library|the conference centre",
        "place_kind": "pharmacy|coffee shop|petrol station|cash machine|supermarket|bakery|playground|gym|post office|car wash"
        "|bike shop|laundromat|bookshop|dentist|swimming pool",
        "street": "Elm Street|Mill Road|Harbour Lane|Oak Avenue|King's Road|Station Street|Maple Drive|Church Lane|Hill View"
        "|Park Row|Canal Street|Birch Close|Market Square|Rose Terrace|Victoria Road",
        "folder": "reports|~/Papers|app|incoming|data/clean|photos/2023|snapshots|notes|projects/atlas|invoices|/opt/logs|sounds"
        "|specs|~/Shared|archive/2019|wiki|static/img|bin|menus|clients/kestrel|cache|Office|vendor|config|Budget|/srv/www"
        "|public|drafts|homework|handbooks|~/Desk|web/pages|lessons/music|/home/ada|exports",
        "stem": "budget|report|notes|invoice_0423|summary|photo_112|main|readme|todo|contract|plan|data|minutes|draft_v2|cv"
        "|recipe|index|settings|journal|scores|presentation|lease|backup|menu|packing_list|letter|logo|results|agenda|diary",
        "ext": "txt|md|csv|pdf|docx|xlsx|json|png|jpg|py|zip|yaml|html|log|mp3",
        "repo": "atlas|web-shop|data-pipeline|mobile-app|blog-engine|payments|docs-site|ml-toolkit|chat-server|inventory"
        "|auth-service|design-system|game-core|weather-bot|compiler|image-resizer|landing-page|scheduler|graph-db|cli-tools",
        "branch": "main|develop|feature/login|fix/typo|release-2.1|hotfix/cart|feature/dark-mode|experiment/cache"
        "|refactor/api|docs-update|bugfix/timezone|feature/search|release-3.0|chore/deps|feature/export|spike/graphql"
        "|fix/memory-leak|staging|feature/invites|ci-setup",
        "commit": "Fix typo in README|Add login page|Bump version to 2.1|Remove dead code|Handle empty input|Speed up search"
        "|Update dependencies|Add unit tests|Rename the config module|Fix off-by-one in pager|Support dark mode"
        "|Cache user profiles|Drop Python 3.8|Document the API|Refactor the parser|Fix crash on start|Add retry to uploads"
        "|Clean up logging|Validate e-mail addresses|Improve error messages",
        "bug": "login button does nothing|app crashes on start|totals are wrong in the cart|page loads slowly"
        "|dark mode is unreadable|export produces an empty file|search ignores accents|password reset mail is missing"
        "|images do not load|notifications arrive twice|the timer stops at zero|dates are off by one day"
        "|cannot upload PDF files|the menu overlaps the text|sorting by price fails|sync hangs on Wi-Fi"
        "|the map shows the wrong pin|invoices lack the VAT number|sound stutters|the link in the footer is dead",
        "service": "billing-api|web|auth|search-index|mailer|worker|gateway|metrics|cdn|image-proxy|cache|scheduler|notifier"
        "|checkout|profile-api",
        "table": "users|orders|products|invoices|sessions|employees|payments|books|tickets|reviews|suppliers|events|logs"
        "|students|shipments",
        "column": "email|created_at|price|status|name|country|quantity|age|score|updated_at|city|rating|total|last_login|role",
        "word": "serendipity|bread|ephemeral|resilient|kindness|labyrinth|whisper|gregarious|candid|harvest|lucid|nimble"
        "|obstinate|pristine|quaint|robust|solitude|tranquil|vivid|wander|zealous|brisk|cautious|dazzle|eager",
        "role": "data analyst|nurse|software engineer|accountant|sales manager|chef|teacher|warehouse clerk|graphic designer"
        "|electrician|product manager|truck driver|barista|HR assistant|mechanic",
        "department": "Marketing|Finance|Engineering|Sales|Legal|Support|Operations|Research|Design|Logistics|Procurement|HR",
        "skill": "Python|welding|Spanish|Excel|copywriting|first aid|SQL|project management|photography|forklift driving"
        "|public speaking|Kubernetes|bookkeeping|negotiation|carpentry",
        "subject": "algebra|biology|world history|chemistry|geography|French|physics|art|economics|music theory"
        "|literature|computer science|philosophy|statistics|drama",
        "course": "Linear Algebra|Intro to Psychology|Organic Chemistry|Modern Poetry|Microeconomics|Data Structures"
        "|Art History|Cell Biology|World Politics|Music Theory|Statistics 101|Creative Writing|Thermodynamics|Ethics"
        "|Film Studies",
        "element": "gold|iron|carbon|helium|copper|sodium|neon|silver|oxygen|titanium|zinc|mercury|lithium|calcium|nickel"
        "|lead|argon|tin|boron|uranium",
        "compound": "H2O|CO2|NaCl|C6H12O6|NH3|CH4|H2SO4|CaCO3|C2H5OH|KNO3|HCl|Fe2O3|C8H10N4O2|NaOH|MgSO4|C3H8|H2O2|AgNO3"
        "|CuSO4|C6H6",
        "crime": "breach of contract|unfair dismissal|copyright infringement|negligence|defamation|trespass|tax evasion"
        "|medical malpractice|insider trading|patent infringement|noise nuisance|fraud|a rent dispute|data protection"
        "|wrongful arrest",
        "person_known": "Marie Curie|Alan Turing|Frida Kahlo|Nelson Mandela|Ada Lovelace|Leonardo da Vinci|Rosa Parks"
        "|Isaac Newton|Cleopatra|Jane Austen|Galileo Galilei|Florence Nightingale|Mozart|Charles Darwin|Amelia Earhart"
        "|Sojourner Truth|Niels Bohr|Hypatia|Vincent van Gogh|Simon Bolivar",
        "event_known": "the fall of Constantinople|the moon landing|the French Revolution|the Black Death|the Gold Rush"
        "|the Great Fire of London|the Industrial Revolution|the Battle of Hastings|the signing of Magna Carta"
        "|the sinking of the Titanic|the Boston Tea Party|the fall of the Berlin Wall|the Meiji Restoration"
        "|the eruption of Vesuvius|the partition of India",
        "car": "Honda Jazz|Toyota Corolla|Volvo V60|Ford Fiesta|Tesla Model 3|Fiat 500|Skoda Octavia|Nissan Leaf|Mazda MX-5"
        "|Kia Niro|Renault Clio|Subaru Outback|VW Golf|Peugeot 208|Hyundai Kona",
        "genre_film": "comedy|thriller|documentary|horror|romance|science fiction|drama|animation|western|mystery",
        "duration": "10 minutes|45 seconds|2 hours|25 minutes|90 seconds|1 hour|15 minutes|half an hour|5 minutes|40 minutes"
        "|3 hours|20 minutes|7 minutes|12 minutes|50 minutes",
        "clock": "7 am|6:30 pm|noon|8:15 am|5 pm|9 pm|10:45 am|3:15pm|midnight|7:20am|half past two|4 p.m.|11 am|8 o'clock"
        "|6:50 am|quarter past nine|1 pm|2:30 pm|5:45am|10 tonight",
        "question": "how to graft apple trees|rye bread hydration|best swimming spots near Annecy|used bike prices"
        "|ferry timetable to Texel|bread flour protein content|lyrics of Lantern Song|visa rules for Bhutan"
        "|error code E-4417|vegan birthday cake recipe|cheap tents for two people|how wind turbines work|nudibranch photos"
        "|local election results|marathon training plan|stain removal wool|tax deadline 2025|solar panel subsidies"
        "|second-hand looms|Roman roads map",
        "device": "my phone|the laptop|the tablet|the living room speaker|the kitchen display|my watch|the car stereo"
        "|the office printer|the TV box|the bedroom speaker",
        "hashtag": "#releases|#general|#design|#support|#random|#marketing|#on-call|#announcements|#lunch|#backend|#hiring"
        "|#book-club|#ops|#frontend|#travel",
        "post": "New blog post is live|We are hiring a baker|Open day this Saturday|Our summer sale has started"
        "|First snow of the year!|Thanks for 1000 followers|Live music tonight at eight|The garden is in full bloom"
        "|We moved to a bigger shop|Tickets are almost gone|New menu from Monday|Sunset over the pier"
        "|Our app is out of beta|Closed on Tuesday|Meet our new trainee|Free coffee until noon|Workshop places left"
        "|The podcast is back|Found a lost cat|Repairs are finished",
        "unit_length": "cm|inches|m|ft|mm|yards|km",
        "amenity": "parking|a pool|a gym|free breakfast|a sauna|a balcony|a kitchen|air conditioning|a lift",
        "allergen": "nuts|gluten|dairy|shellfish|soy|eggs|sesame|mustard",
        "museum": "the Museum of Flight|the National Gallery|the Textile Museum|the Natural History Museum|the Viking Museum"
        "|the Modern Art Museum|the Railway Museum|the Museum of Glass|the Maritime Museum|the Toy Museum",
        "planet": "Mars|Jupiter|Venus|Saturn|Mercury|Neptune|Uranus",
        "crop": "wheat|maize|barley|soybeans|potatoes|rapeseed|oats|rice|sugar beet|cotton",
        "garment": "a linen shirt|a winter coat|a silk scarf|jeans|a denim jacket|a wool sweater|a pleated skirt|a suit",
        "podcast": "Curious Minds|The Slow Kitchen|Deep Sea Stories|Money Mornings|History Unboxed|Trail Talk|Code and Coffee"
        "|The Night Shift",
        "charity": "Clean Oceans Fund|Book Aid|Shelter First|Hope Kitchen|Paws Rescue|Trees for Tomorrow|Bright Starts"
        "|River Watch",
        "gene": "BRCA1|TP53|CFTR|APOE|HBB|MTHFR|EGFR|FOXP2",
        "species": "gray wolf|monarch butterfly|giant panda|emperor penguin|red fox|barn owl|blue whale|snow leopard"
        "|atlantic salmon|honey bee",
        "star": "Sirius|Betelgeuse|Vega|Polaris|Rigel|Antares|Altair|Aldebaran",
        "sea": "Kingsport Harbour|Port Elba|Skerry Bay|Northpoint Marina|Gull Island|Westhaven|Tern Cove|Old Pier",
        "insurance": "home|travel|car|pet|life|dental",
        "day": "today|tomorrow|tonight|on Monday|on Friday|on Saturday|next Tuesday|next week|this weekend|on 12 June|on 3 March"
        "|next Monday|on Thursday|on 21 October|the day after tomorrow|on Wednesday|on Sunday|next month|on 5 April|on 17 May",
        "code": "print(sum(range(25)))|print(19 // 4, 19 % 4)|print('fern'[::-1])|print(len('tambourine'))|y = 8; print(y ** 2)"
        "|print(max([12, 5, 77]))|import math; print(math.pi)|print([n + n for n in range(7)])|print('=' * 30)"
        "|print(round(3.75, 1))|print(sorted([9, 4, 7]))|for k in range(4): print(k * 2)|print(bool(''), bool('0'))"
        "|print('tea'.upper())|print(divmod(47, 6))|print(list('fjord'))|print(0.1 + 0.7)|import os; print(os.name)"
        "|print(' '.join(['a', 'b']))|print(hex(1023))|print(set('banana'))|print(2 ** 40)|print('x;y;z'.split(';'))"
        "|print(sum([4, 8, 15]) / 3)|print(abs(-17))|print(min('delta'))|a, b = 3, 9; print(a * b)|print(chr(955))"
        "|import random; print(random.random())|print(tuple(range(3)))|print('moss' in 'mossy')|print(9 > 4 > 2)"
        "|print(dict(a=1, b=2))|print(str(7).zfill(3))|s = 'loop'; print(s + s)|print(any([0, 1, 0]))",
    }.items()
}  # fmt: skip
