"""Words of ``thinking``: names, things and places, one table for training and one for held-out drafts."""

from __future__ import annotations

from typing import NamedTuple


class World(NamedTuple):
    """The words that the templates of one side are filled with.

    :param names: first names, those of women before ``|``.
    :param nouns: nouns by placeholder, in the singular.
    :param tables: rows of a noun or two with a number that belongs to them, by name.
    :param asides: sentences that matter to no question.
    :param openers, closers: what people write around a question.
    """

    names: str
    nouns: dict[str, str]
    tables: dict[str, tuple[tuple[str, ...], ...]]
    asides: tuple[str, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]


PLURALS = {
    "knife": "knives", "loaf": "loaves", "shelf": "shelves", "leaf": "leaves", "half": "halves", "mouse": "mice",
    "goose": "geese", "child": "children", "person": "people", "foot": "feet", "fish": "fish", "sheep": "sheep",
    "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes", "scarf": "scarves", "man": "men", "woman": "women",
}  # fmt: skip

TRAINING = World(
    names=(
        "Anna Beth Carla Dana Ella Fiona Grace Hana Ines Julia Kate Lena Maya Nora Olga Paula Rosa Sara Tina Vera "
        "Zoe Amy Clara Emma Holly Jane Kim Lily Mia Nina Ruth Sofia Tara Alice Eva Ivy June Leah Megan Priya Aisha "
        "Noor Mei Yuki Fatima Lucia Greta Ingrid Layla | Adam Ben Carl David Eric Frank George Henry Ivan Jack "
        "Kevin Leo Mark Noah Oscar Paul Ryan Sam Tom Victor Will Alex Brian Chris Dan Ethan Felix Hugo Ian Jonas "
        "Karl Luke Max Nick Omar Pete Raj Simon Theo Tim Ali Hassan Chen Kenji Mateo Diego Andre Piotr Sven"
    ),
    nouns={
        "thing": "notebook,pen,candle,mug,plate,towel,book,poster,lamp,cushion,basket,plant,pencil,ticket,shirt,scarf,"
        "hat,sock,belt,ball,kite,puzzle,card,sticker,marble,stamp,badge,coin,bead,button,ribbon,balloon,toy car,doll,"
        "bracelet,ring,key,brush,hammer,screw,nail,battery,cable,bulb,tile,brick,chair,bench,rose,tulip,seed,shell,"
        "comic,magazine,folder,eraser,ruler,crayon,flag,umbrella,glove,bag",
        "treat": "cookie,muffin,cupcake,sandwich,apple,orange,banana,pear,peach,plum,lemon,melon,bagel,pretzel,"
        "doughnut,"
        "waffle,pancake,brownie,chocolate bar,lollipop,pie,tart,roll,egg,potato,carrot,tomato,mango,strawberry,biscuit",
        "box": "box,bag,packet,crate,basket,jar,carton,tray,case,drawer,shelf,bin",
        "shop": "bookshop,bakery,market stall,corner shop,supermarket,toy shop,garden centre,gift shop,"
        "hardware store,café",
        "group": "class,choir,scout group,football team,book club,chess club,orchestra,dance class,youth group,crew",
        "place": "park,beach,museum,zoo,library,stadium,airport,lake,campsite,farm,harbour,castle",
        "event": "party,wedding,school fair,concert,picnic,fundraiser,festival,barbecue,reunion,workshop",
        "job": "babysitting,mowing lawns,tutoring,walking dogs,washing cars,waiting tables,delivering papers,painting "
        "fences,stacking shelves,raking leaves",
        "goal": "bicycle,guitar,camera,tablet,skateboard,keyboard,tent,game console,telescope,phone,drone,sofa",
        "vehicle": "car,train,bus,van,truck,cyclist,ferry,coach,motorbike,tram",
        "machine": "printer,machine,robot,press,oven,packing line,loom,pump",
        "ingredient": "flour,sugar,rice,butter,oats,pasta,lentils,cheese,cocoa,honey",
        "dish": "soup,risotto,curry,stew,lasagne,pancake batter,salad,chilli,pizza dough,porridge",
        "relative": "brother,sister,cousin,uncle,aunt,mother,father,neighbour,friend,teacher",
        "animal": "cat,dog,horse,rabbit,hamster,parrot,cow,pony,puppy,kitten",
        "colour": "red,blue,green,yellow,white,black,purple,orange",
        "tank": "tank,pond,pool,bath,barrel,aquarium,bucket,water butt",
        "field": "garden,room,field,patio,lawn,carpet,playground,hall,vegetable bed,wall",
        "item": "jacket,pair of boots,backpack,coat,desk,lamp,rug,watch,bike helmet,dress,sweater,blender",
        "service": "gym,music app,phone plan,film service,parking permit,pool pass,newspaper,internet plan",
        "guest": "visitor,guest,pupil,student,tourist,fan,player",
        "reading": "book,novel,report,manual,textbook,script",
    },
    tables={
        "legs": (("spider", "8"), ("ant", "6"), ("dog", "4"), ("hen", "2"), ("cow", "4"), ("beetle", "6"), ("duck",
        "2"),
                 ("cat", "4"), ("bee", "6"), ("horse", "4"), ("sheep", "4"), ("goose", "2")),
        "wheels": (("bicycle", "2"), ("car", "4"), ("tricycle", "3"), ("scooter", "2"), ("wagon", "4"), ("unicycle",
        "1")),
        "units": (("hour", "minute", "60"), ("minute", "second", "60"), ("day", "hour", "24"), ("week", "day", "7"),
                  ("year", "month", "12"), ("pound", "ounce", "16"), ("foot", "inch", "12"), ("yard", "foot", "3"),
                  ("kilometre", "metre", "1000"), ("kilogram", "gram", "1000"), ("metre", "centimetre", "100"),
                  ("gallon", "quart", "4"), ("dozen", "egg", "12"), ("litre", "millilitre", "1000")),
        "short": (("km", "m", "1000"), ("kg", "g", "1000"), ("m", "cm", "100"), ("litres", "ml", "1000"),
                  ("feet", "inches", "12"), ("pounds", "ounces", "16"), ("hours", "minutes", "60")),
        "coins": (("quarter", "0.25"), ("dime", "0.10"), ("nickel", "0.05")),
        "shape": (("square", "4"), ("triangle", "3"), ("pentagon", "5"), ("hexagon", "6"), ("octagon", "8")),
    },
    asides=(
        "{A} is {k} years old.", "The {shop} is {k} minutes away.", "{A} has {k} cousins.",
        "The weather is fine that day.",
        "{A} lives at number {k}.", "It took {A} {k} minutes to get there.", "{A}'s favourite colour is {colour}.",
        "{A} came with a {relative}.", "The bus there runs every {k} minutes.", "{A} has done this for {k} years.",
        "There is also a {colour} {item}, which is not for sale.", "{A} got up early.", "{k} people watch.",
        "Last year it was different.",
    ),
    openers=(
        "Quick one:", "Help me with this:", "hey,", "Can you work this out?", "Homework question:", "Question:",
        "ok so",
        "Please solve:", "Need a hand.", "Maths puzzle.", "Could you check this for me?", "hi!",
        "Not sure about this one.",
    ),
    closers=("Thanks!", "pls", "Show the steps.", "Step by step please.", "Keep it short.",
    "Just the number at the end.",
             "thx", "I always mix this up.", "Please explain briefly."),
)  # fmt: skip

HELD_OUT = World(
    names=(
        "Odette Saskia Ottilie Zainab Perpetua Ximena Ulrike Thandi Sunniva Quilla Nerys Marit Linnea Kamala Ilse "
        "Hadiza Giulia Elif Dagny Chiara | Bartek Cillian Dmitri Emeka Farouk Gunnar Hiroto Iker Jabari Kaspar "
        "Lorcan Mircea Nikolai Otis Pavel Rasmus Stellan Tariq Ulrich Viggo"
    ),
    nouns={
        "thing": "teacup,lantern,bookmark,postcard,vase,whistle,paintbrush,napkin,magnet,clothes peg,domino,yoyo,"
        "wristband,pinwheel,tea light,flowerpot,jigsaw,bell,spoon,keyring",
        "treat": "scone,fig,croissant,dumpling,apricot,macaroon,samosa,turnip,nectarine,éclair",
        "box": "sack,chest,hamper,tin,bucket,cabinet",
        "shop": "florist,stationer,flea market,pet shop,pottery",
        "group": "sewing circle,swim squad,drama club,band,walking group",
        "place": "observatory,aquarium,theatre,vineyard,ice rink",
        "event": "street parade,science evening,housewarming,charity run,quiz night",
        "job": "cleaning windows,dog grooming,repairing bikes,picking grapes,selling lemonade",
        "goal": "violin,kayak,sewing machine,microscope,surfboard",
        "vehicle": "lorry,minibus,jeep,speedboat,hiker",
        "machine": "kiln,sewing robot,bottling plant,mill",
        "ingredient": "couscous,quinoa,almonds,yoghurt,semolina",
        "dish": "paella,goulash,gnocchi,chowder,granola",
        "relative": "grandmother,nephew,niece,flatmate,colleague",
        "animal": "goat,tortoise,canary,llama,ferret",
        "colour": "turquoise,silver,pink,brown",
        "tank": "cistern,fountain,hot tub,rain barrel",
        "field": "courtyard,terrace,paddock,stage,gym floor",
        "item": "raincoat,suitcase,kettle,armchair,hiking stick",
        "service": "climbing hall,language course,bike rental,storage unit",
        "guest": "dancer,sailor,hiker,reader",
        "reading": "biography,diary,atlas,cookbook",
    },
    tables={
        "legs": (("crab", "10"), ("goat", "4"), ("parrot", "2"), ("wasp", "6"), ("tarantula", "8"), ("camel", "4")),
        "wheels": (("motorbike", "2"), ("rickshaw", "3"), ("lorry", "6"), ("pram", "4")),
        "units": (("quarter of an hour", "minute", "15"), ("fortnight", "day", "14"), ("decade", "year", "10"),
                  ("century", "year", "100"), ("tonne", "kilogram", "1000"), ("yard", "inch", "36")),
        "short": (("tonnes", "kg", "1000"), ("cm", "mm", "10"), ("yards", "feet", "3"), ("weeks", "days", "7")),
        "coins": (("half-dollar", "0.50"), ("quarter", "0.25")),
        "shape": (("heptagon", "7"), ("decagon", "10"), ("nonagon", "9")),
    },
    asides=(
        "{A} moved house {k} months ago.", "Outside it is {k} degrees.", "{A} turned {k} last month.",
        "{A} wears a {colour} coat.", "The queue was {k} people long.", "{A} prefers tea.",
    ),
    openers=("Riddle me this:", "Something from my notes.", "Got a sec?", "For a quiz:"),
    closers=("Cheers.", "What do you get?", "Any idea?", "Answer in brief."),
)  # fmt: skip
