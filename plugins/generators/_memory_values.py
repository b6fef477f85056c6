"""Pools of values for the slots of the ``memory`` generator, and its chatter; held-out drafts have values of their own.

A pool is one line of values separated by commas; of an open pool, every fourth value is for held-out drafts alone.
"""

# Closed pools: everybody has the same days, months and sizes. Those of a person's relation go by pronoun.
CLOSED = {
    "day": "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
    "month": "January, February, March, April, May, June, July, August, September, October, November, December",
    "her relation": "sister, friend, colleague, cousin, partner, neighbour, flatmate, aunt, wife",
    "his relation": "brother, friend, colleague, cousin, partner, neighbour, flatmate, uncle, husband",
    "girl": "daughter",
    "boy": "son",
    "seat": "window, aisle",
    "spelling": "British, American, Canadian, Australian",
    "clothsize": "XS, S, M, L, XL, XXL, 36, 38, 40, 42, 44, 46, 48",
    "level": "A1, A2, B1, B2, C1, C2",
    "pronouns": "she/her, he/him, they/them",
    "linelen": "72, 79, 80, 88, 100, 110, 120",
    "voice": "alto, soprano, tenor, bass",
}

OPEN = {
    "woman": (
        "Nina, Carla, Meera, Astrid, Yuki, Paula, Leonie, Fatima, Ingrid, Rosalind, Zeynep, Amelie, Judith, Marisol, "
        "Hana, Tilda, Noemi, Svetlana, Ruth, Imani, Bridget, Chiara, Dagmar, Esther, Farah, Gwen, Helga, Ilona, "
        "Jasmin, Katia, Lorena, Mabel, Nadine, Odette, Petra, Quinn, Renata, Silvia, Thandi, Ursula, Valerie, Wilma, "
        "Xenia, Yvonne, Zofia, Aisha, Beate, Corinne, Delia, Elif, Freya, Greta, Hilde, Isla, Jolanda, Keiko, Linnea, "
        "Maeve"
    ),
    "man": (
        "Tom, Omar, Pavel, Lucas, Kenji, Stefan, Diego, Anders, Malik, Rupert, Emre, Joost, Felipe, Gareth, Hugo, "
        "Ivan, Jamal, Klaus, Luigi, Mateo, Nils, Oskar, Pedro, Quentin, Rafael, Samir, Tariq, Umberto, Viktor, "
        "Walter, Xavier, Yannick, Zoltan, Aldo, Boris, Cedric, Dario, Edgar, Floyd, Gustav, Henrik, Igor, Jonas, "
        "Karim, Lorenzo, Marcus, Nikhil, Otto, Piotr, Ravi, Sven, Theo, Ulrich, Vikram, Wes, Yosef, Arturo, Benno"
    ),
    "surname": (
        "Hartmann, Okoro, Castellano, Lindgren, Farouk, Petersen, Nakamura, Whitlock, Duval, Kowalski, Mbeki, "
        "Sorensen, Achebe, Ferrari, Grunwald, Haddad, Ivanova, Jensen, Kapoor, Lemaire, Moretti, Novotny, Oduya, "
        "Pappas, Quist, Rossi, Silva, Takeda, Ullman, Vargas, Winther, Yilmaz, Zeller, Brandt, Coulson, Dimitrov"
    ),
    "pet": (
        "Biscuit, Pepper, Ziggy, Mango, Luna, Clover, Waffles, Nacho, Olive, Pixel, Tofu, Rusty, Hazel, Bandit, "
        "Maple, Noodle, Comet, Ginger, Smudge, Poppy, Domino, Truffle, Cosmo, Peanut, Willow, Gizmo, Marble, Sprout, "
        "Dusty, Cricket, Moose, Pickles, Figaro, Juno, Bramble, Kiwi"
    ),
    "petkind": "dog, cat, rabbit, parrot, tortoise, hamster, puppy, kitten, pony, budgie, guinea pig, ferret",
    "scare": (
        "thunderstorms, fireworks, bicycles, balloons, trains, umbrellas, vacuum cleaners, buses, geese, skateboards"
    ),
    "place": (
        "Lisbon, Oslo, Leeds, Turin, Ghent, Lyon, Porto, Krakow, Bergen, Utrecht, Seville, Graz, Aarhus, Bristol, "
        "Kyoto, Dublin, Naples, Riga, Zagreb, Basel, Malmo, Tallinn, Nantes, Cork, Boston, Denver, Toronto, Lima, "
        "Quito, Accra, Nairobi, Osaka, Hanoi, Perth, Auckland, Cardiff, York, Glasgow, Bremen, Padua, Split, Leuven, "
        "Tampere, Sofia, Athens, Valencia, Marseille, Antwerp"
    ),
    "food": (
        "peanuts, mushrooms, olives, garlic, salmon, chicken, tomatoes, coriander, cheese, eggs, onions, prawns, "
        "beans, broccoli, pork, walnuts, celery, beetroot, tofu, spinach, lentils, cucumber, anchovies, rice, "
        "pineapple, chocolate, cabbage, raisins, aubergine, bananas, ginger, mango, sesame, honey, mustard, "
        "strawberries"
    ),
    "allergen": (
        "peanuts, shellfish, latex, bee stings, pollen, penicillin, sesame, soy, walnuts, cat hair, eggs, dust, kiwi, "
        "strawberries, wasp stings, aspirin, mustard, celery, wool, cashews"
    ),
    "remedy": "inhaler, EpiPen, emergency kit, antihistamine spray, adrenaline pen",
    "diet": (
        "vegan, vegetarian, gluten-free, pescatarian, lactose-free, dairy-free, low-carb, sugar-free, keto, nut-free"
    ),
    "school": (
        "Hillside Primary, Oak Lane School, Riverside Nursery, St Anne's School, Park Street Primary, Greenfield "
        "School, Little Stars, Northgate Primary, Mill Road School, Elm Tree Nursery, Lakeview School, Castle Hill "
        "Primary"
    ),
    "gift": (
        "telescope, chess set, scarf, cookbook, bicycle bell, puzzle, drawing tablet, tent, watch, raincoat, record "
        "player, teapot, skateboard, camera, football, lamp, kite, fountain pen, hammock, ukulele"
    ),
    "job": (
        "nurse, baker, translator, plumber, teacher, data analyst, architect, gardener, librarian, welder, "
        "pharmacist, bus driver, tax adviser, midwife, web designer, carpenter, lab technician, paramedic, florist, "
        "electrician, journalist, accountant, beekeeper, physiotherapist"
    ),
    "company": (
        "Brightwater, Nordlicht, Kestrel Labs, Palmetto Foods, Veldt Energy, Quarry Lane Studio, Halcyon Bank, "
        "Tessera, Blue Harbour, Orbit Freight, Lumen Health, Redwood Paper, Silverline, Copperfield Tools, Meridian "
        "Care, Foxglove, Ironbridge, Summit Insurance, Pebble Games, Larkspur, Anchor Textiles, Cloudberry, Hexagon "
        "Rail, Juniper Press"
    ),
    "project": (
        "Falcon, Bluebird, Atlas, Marigold, Tundra, Pegasus, Lighthouse, Cobalt, Nimbus, Sequoia, Orchid, Granite, "
        "Mercury, Compass, Driftwood, Saffron, Zephyr, Keystone, Aurora, Bamboo, Monsoon, Quartz, Harvest, Nightjar"
    ),
    "database": "Postgres, MySQL, SQLite, MongoDB, Redis, MariaDB, DuckDB, Cassandra, Oracle, CockroachDB",
    "proglang": "Python, Go, Rust, Kotlin, Java, Ruby, Elixir, TypeScript, Scala, Swift, PHP, Haskell",
    "testtool": "pytest, unittest, Jest, JUnit, Mocha, RSpec, Vitest, Cypress",
    "editor": "Vim, Emacs, Helix, VS Code, Sublime, Zed, Kate, Nano, PyCharm, Neovim",
    "style": "short, detailed, polite, formal, simple, casual, structured, blunt, one-line, friendly",
    "dislike": "emojis, bullet points, tables, jokes, exclamation marks, long introductions, footnotes, buzzwords",
    "unit": "kilometres, Celsius, grams, litres, metric units, euros, Fahrenheit, miles, pounds, dollars",
    "hotel": (
        "Hotel Aurora, the Grand Plaza, Casa Lima, the Old Mill, Hotel Adler, Pension Rosa, the Harbour Inn, Villa "
        "Sol, the Station Hotel, Hotel Mistral, the Red Lion, Park Hotel"
    ),
    "hotelneed": (
        "a quiet room, a room with a bath, a ground-floor room, a desk, two single beds, a lift, parking, a late "
        "breakfast, a cot, a non-smoking room, a fridge, a balcony"
    ),
    "medicine": (
        "metformin, ibuprofen, lisinopril, vitamin D, iron, levothyroxine, omeprazole, aspirin, magnesium, "
        "sertraline, amoxicillin, zinc"
    ),
    "condition": (
        "asthma, diabetes, migraines, arthritis, epilepsy, high blood pressure, hay fever, eczema, anaemia, tinnitus, "
        "coeliac disease, sleep apnoea"
    ),
    "bodypart": "knee, shoulder, back, ankle, wrist, hip, elbow, neck, left foot, right hand, heel, thumb",
    "exercise": (
        "running, swimming, squats, cycling, rowing, jumping, push-ups, yoga, weightlifting, climbing, walking, "
        "tennis, pilates, skiing, boxing, dancing"
    ),
    "treat": "sugar, alcohol, coffee, red meat, crisps, fizzy drinks, chocolate, white bread, cigarettes, dairy",
    "drink": (
        "oat milk latte, green tea, black coffee, mint tea, flat white, espresso, decaf, hot chocolate, sparkling "
        "water, chai, soya cappuccino, ginger tea, tap water, orange juice"
    ),
    "expense": "grocery, book, clothes, eating out, fuel, gift, hobby, travel, coffee, phone",
    "shop": (
        "the corner shop, the farmers' market, Fresh & Co, the co-op, Green Basket, the bakery next door, Marktplatz, "
        "Tilly's"
    ),
    "carcolour": "red, blue, silver, black, white, green, grey, yellow",
    "carmodel": (
        "Skoda Fabia, Honda Jazz, Volvo V60, Fiat Panda, Toyota Yaris, Mazda 2, Renault Clio, Dacia Duster, Kia Ceed, "
        "Seat Ibiza, Opel Corsa, Ford Focus"
    ),
    "bikebrand": "Trek, Brompton, Cube, Giant, Gazelle, Bianchi, Canyon, Koga, Specialized, Scott, Marin, Kona",
    "club": "chess, book, sailing, tennis, film, photography, walking, judo, pottery, gardening, running, debating",
    "venue": (
        "the town hall, the library, the old mill, Cafe Rosa, the sports centre, the church hall, the Blue Heron, the "
        "community garden, the boathouse, the school gym, the food bank, the animal shelter, the museum, the Green "
        "Door"
    ),
    "instrument": "violin, piano, cello, guitar, trumpet, flute, drums, harp, clarinet, saxophone, accordion, oboe",
    "race": "marathon, half marathon, 10k, night run, triathlon, city run, relay, trail run",
    "language": "Italian, Japanese, Polish, Swedish, Turkish, Greek, Korean, Portuguese, Arabic, Dutch, Welsh, Finnish",
    "app": "Duolingo, Anki, Babbel, Memrise, Busuu, flash cards, an old textbook, Lingoda",
    "genre": (
        "crime novels, science fiction, biographies, poetry, fantasy, history books, romance, travel writing, horror, "
        "essays"
    ),
    "author": (
        "Agatha Christie, Terry Pratchett, Toni Morrison, Italo Calvino, Jane Austen, Haruki Murakami, Astrid "
        "Lindgren, Stanislaw Lem, Octavia Butler, Umberto Eco, Elena Ferrante, Ian Rankin"
    ),
    "format": "paperbacks, audiobooks, e-books, hardcovers, large-print books, second-hand copies",
    "street": (
        "Mill Lane, Station Road, Cedar Street, Harbour Row, Church Hill, Orchard Way, Bridge Street, Linden Avenue, "
        "Castle Terrace, Park Road, Elm Grove, River Walk, Market Square, Abbey Close, Fountain Street, Quarry Road"
    ),
    "channel": "email, text message, WhatsApp, Signal, letter, video call, phone, Slack",
    "housepart": "kitchen, bathroom, stairs, balcony, garage, windows, hallway, cellar",
    "banned": "shoes, phones, scooters, drones, candles, fireworks, balls, snacks",
    "plant": (
        "tomatoes, roses, tulips, courgettes, sunflowers, herbs, beans, peppers, orchids, lettuces, dahlias, ferns"
    ),
    "soil": "clay, sandy, chalky, heavy, acidic, stony, peaty, loamy",
    "appliance": (
        "dishwasher, washing machine, freezer, printer, boiler, coffee machine, dryer, vacuum cleaner, oven, router"
    ),
    "brand": "Bosch, Miele, Siemens, Samsung, Epson, Gaggia, Philips, Beko, Canon, Zanussi",
    "container": (
        "blue folder, desk drawer, kitchen cupboard, shoe box, green binder, bread tin, filing cabinet, glove box"
    ),
    "fabric": "cotton, wool, linen, silk, bamboo, fleece, denim, hemp",
    "colour": "green, navy, yellow, purple, orange, turquoise, grey, red, teal, beige",
    "subject": (
        "biology, law, statistics, history, chemistry, music, economics, nursing, physics, philosophy, geology, design"
    ),
    "service": "film, meal kit, newspaper, music, gym, magazine, audiobook, cloud, wine, games",
    "purchase": (
        "cello, house, motorbike, sewing machine, greenhouse, kayak, laptop, camper van, sofa, piano, loom, sauna"
    ),
    "aid": "wheelchair, hearing aid, screen reader, walking stick, guide dog, magnifier, rollator, speech app",
    "inability": (
        "climb stairs, read small print, drive at night, lift heavy bags, hear high notes, see red and green, walk "
        "far, type fast"
    ),
    "accneed": (
        "captions, large print, a ramp, extra breaks, step-free access, a quiet corner, good light, plain language"
    ),
    "shopkind": (
        "bakery, bookshop, cafe, flower shop, repair shop, hair salon, pottery studio, wine bar, toy shop, tea house"
    ),
    "business": (
        "Crumb & Co, Paper Moon, Little Fern, Golden Hour, The Rusty Kettle, Salt & Sage, Moonlit, Copper Cup, Bright "
        "Side, Wild Thyme, Second Spring, Odd Sock"
    ),
    "event": (
        "wedding, farewell party, retirement party, graduation, christening, house-warming, engagement party, book "
        "launch"
    ),
    "payway": "bank transfer, cash, PayPal, cheque, standing order, card",
    "device": "printer, web server, camera, test database, proxy, game server, chat bot, music player",
    "dish": "lasagne, banana bread, apple pie, quiche, focaccia, moussaka, cheesecake, ratatouille, sourdough, gratin",
}

# Pools of the kinds that are for held-out drafts alone.
HELD_OUT = {
    "fishfood": "flakes, shrimps, pellets, algae wafers",
    "boat": "Merry Widow, Sea Otter, Windfall, Second Wind, Albatross, Blue Peg",
    "camera": "Pentax, Leica, Nikon, Olympus, Hasselblad, Minolta",
    "film": "Ilford, Portra, Velvia, Ektar, Fomapan, Superia",
    "anaesthetic": "lidocaine, laughing gas, codeine, articaine",
    "hero": "Thorn, Mirabel, Grimwald, Elowen, Kestrel, Brannok",
    "heroclass": "rogue, bard, wizard, ranger, druid, paladin",
}

HOLD_FROM = 4  # of this many values of an open pool, the last is for held-out drafts
