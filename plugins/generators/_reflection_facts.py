# ruff: noqa: E501 - a table has one row a line
"""Well-known facts for the ``reflection`` generator: one relation a table, one fact a line.

A line is ``subject | right value | plausible wrong values``; without wrong values they are right values of other lines.
In the sentences ``{x}`` is the subject and ``{v}`` a value. The questions after ``held`` are for measurement alone.
"""

from __future__ import annotations

from typing import NamedTuple


class Relation(NamedTuple):
    """Facts of one kind, with the ways to ask for them and to state them."""

    name: str
    asked: tuple[str, ...]
    held: tuple[str, ...]
    topic: str
    said: str
    lines: str


RELATIONS = (
    Relation(
        "capital",
        ("What is the capital of {x}?", "Which city is the capital of {x}?", "capital of {x}?", "Name {x}'s capital."),
        ("Which city does {x} have as its capital?", "Tell me the capital city of {x}."),
        "the capital of {x}",
        "The capital of {x} is {v}",
        """
        Australia | Canberra | Sydney, Melbourne
        Qatar | Doha | Dubai, Muscat
        Brazil | Brasilia | Rio de Janeiro, Sao Paulo
        Turkey | Ankara | Istanbul, Izmir
        Switzerland | Bern | Zurich, Geneva
        New Zealand | Wellington | Auckland, Christchurch
        Morocco | Rabat | Casablanca, Marrakesh
        Spain | Madrid | Barcelona, Seville
        Italy | Rome | Milan, Venice
        Germany | Berlin | Munich, Frankfurt
        France | Paris | Lyon, Marseille
        Portugal | Lisbon | Porto, Faro
        Greece | Athens | Thessaloniki, Sparta
        Poland | Warsaw | Krakow, Gdansk
        Austria | Vienna | Salzburg, Graz
        Hungary | Budapest | Debrecen, Szeged
        Norway | Oslo | Bergen, Trondheim
        Sweden | Stockholm | Gothenburg, Malmo
        Denmark | Copenhagen | Aarhus, Odense
        Finland | Helsinki | Tampere, Turku
        Iceland | Reykjavik | Akureyri, Oslo
        Ireland | Dublin | Cork, Galway
        Scotland | Edinburgh | Glasgow, Aberdeen
        Wales | Cardiff | Swansea, Newport
        Belgium | Brussels | Antwerp, Ghent
        Russia | Moscow | Saint Petersburg, Kazan
        Ukraine | Kyiv | Odesa, Lviv
        Romania | Bucharest | Cluj, Budapest
        Bulgaria | Sofia | Varna, Plovdiv
        Serbia | Belgrade | Novi Sad, Zagreb
        Croatia | Zagreb | Split, Dubrovnik
        Egypt | Cairo | Alexandria, Luxor
        Kenya | Nairobi | Mombasa, Kisumu
        Nigeria | Abuja | Lagos, Kano
        Ethiopia | Addis Ababa | Nairobi, Gondar
        Ghana | Accra | Kumasi, Lagos
        India | New Delhi | Mumbai, Kolkata
        China | Beijing | Shanghai, Hong Kong
        Japan | Tokyo | Osaka, Kyoto
        South Korea | Seoul | Busan, Incheon
        Vietnam | Hanoi | Ho Chi Minh City, Hue
        Thailand | Bangkok | Phuket, Chiang Mai
        Pakistan | Islamabad | Karachi, Lahore
        Iran | Tehran | Isfahan, Shiraz
        Iraq | Baghdad | Basra, Mosul
        Saudi Arabia | Riyadh | Jeddah, Mecca
        Peru | Lima | Cusco, Arequipa
        Chile | Santiago | Valparaiso, Lima
        Argentina | Buenos Aires | Cordoba, Rosario
        Colombia | Bogota | Medellin, Cali
        Cuba | Havana | Santiago de Cuba, Kingston
        Mexico | Mexico City | Cancun, Guadalajara
        the United States | Washington, D.C. | New York City, Los Angeles
        the United Kingdom | London | Manchester, Birmingham
        Nepal | Kathmandu | Pokhara, Delhi
        Jamaica | Kingston | Montego Bay, Nassau
        the Philippines | Manila | Cebu, Davao
        Malaysia | Kuala Lumpur | Penang, Singapore
        Lebanon | Beirut | Tripoli, Damascus
        Jordan | Amman | Aqaba, Petra
        """,
    ),
    Relation(
        "symbol",
        ("What is the chemical symbol for {x}?", "chemical symbol of {x}?", "Which symbol does {x} have in chemistry?"),
        ("How is {x} written in the periodic table?",),
        "the chemical symbol for {x}",
        "The chemical symbol for {x} is {v}",
        """
        tungsten | W | Tu, Tn
        silver | Ag | Si, Au
        iron | Fe | Ir, In
        sodium | Na | So, S
        potassium | K | P, Po
        copper | Cu | Co, C
        lead | Pb | Ld, Pd
        tin | Sn | Ti, Tn
        oxygen | O | Ox, Og
        hydrogen | H | Hy, He
        helium | He | H, Hl
        carbon | C | Ca, Cr
        nitrogen | N | Ni, Na
        calcium | Ca | C, Cl
        chlorine | Cl | Ch, C
        zinc | Zn | Z, Zi
        mercury | Hg | Me, Mg
        magnesium | Mg | Ma, Mn
        aluminium | Al | Am, Au
        sulphur | S | Su, Si
        silicon | Si | S, Sc
        phosphorus | P | Ph, K
        neon | Ne | N, Nn
        nickel | Ni | N, Nk
        """,
    ),
    Relation(
        "author",
        ("Who wrote {x}?", "Who is the author of {x}?", "author of {x}?"),
        ("Whose book is {x}?", "Name the writer of {x}."),
        "the author of {x}",
        "{x} was written by {v}",
        """
        Hamlet | William Shakespeare | Christopher Marlowe, Charles Dickens
        Macbeth | William Shakespeare | Oscar Wilde, John Milton
        Oliver Twist | Charles Dickens | Thomas Hardy, Mark Twain
        A Christmas Carol | Charles Dickens | Hans Christian Andersen, Oscar Wilde
        Emma | Jane Austen | Emily Bronte, George Eliot
        Wuthering Heights | Emily Bronte | Jane Austen, Mary Shelley
        Jane Eyre | Charlotte Bronte | Emily Bronte, Jane Austen
        Frankenstein | Mary Shelley | Bram Stoker, Edgar Allan Poe
        Dracula | Bram Stoker | Mary Shelley, H. G. Wells
        War and Peace | Leo Tolstoy | Fyodor Dostoevsky, Anton Chekhov
        Crime and Punishment | Fyodor Dostoevsky | Leo Tolstoy, Nikolai Gogol
        Don Quixote | Miguel de Cervantes | Lope de Vega, Pablo Neruda
        Les Miserables | Victor Hugo | Alexandre Dumas, Emile Zola
        The Three Musketeers | Alexandre Dumas | Victor Hugo, Jules Verne
        Moby-Dick | Herman Melville | Mark Twain, Ernest Hemingway
        Tom Sawyer | Mark Twain | Jack London, Herman Melville
        The Great Gatsby | F. Scott Fitzgerald | Ernest Hemingway, John Steinbeck
        The Old Man and the Sea | Ernest Hemingway | Herman Melville, Joseph Conrad
        Of Mice and Men | John Steinbeck | William Faulkner, Mark Twain
        To Kill a Mockingbird | Harper Lee | Toni Morrison, Truman Capote
        Animal Farm | George Orwell | Aldous Huxley, H. G. Wells
        Brave New World | Aldous Huxley | George Orwell, Ray Bradbury
        Fahrenheit 451 | Ray Bradbury | Isaac Asimov, Aldous Huxley
        The Hobbit | J. R. R. Tolkien | C. S. Lewis, J. K. Rowling
        The Time Machine | H. G. Wells | Jules Verne, Isaac Asimov
        The Odyssey | Homer | Virgil, Plato
        The Divine Comedy | Dante | Petrarch, Boccaccio
        Faust | Goethe | Schiller, Kafka
        The Metamorphosis | Franz Kafka | Thomas Mann, Hermann Hesse
        Alice in Wonderland | Lewis Carroll | Roald Dahl, J. M. Barrie
        Peter Pan | J. M. Barrie | Lewis Carroll, A. A. Milne
        Winnie-the-Pooh | A. A. Milne | Beatrix Potter, J. M. Barrie
        Treasure Island | Robert Louis Stevenson | Daniel Defoe, Jules Verne
        Robinson Crusoe | Daniel Defoe | Jonathan Swift, Robert Louis Stevenson
        Gulliver's Travels | Jonathan Swift | Daniel Defoe, Lewis Carroll
        The Jungle Book | Rudyard Kipling | Jack London, E. M. Forster
        """,
    ),
    Relation(
        "artist",
        ("Who made {x}?", "{x}: by whom?", "Whose work is {x}?"),
        ("Name the person behind {x}.",),
        "the creator of {x}",
        "{v} created {x}",
        """
        The Starry Night | Vincent van Gogh | Claude Monet, Paul Cezanne
        Sunflowers | Vincent van Gogh | Paul Gauguin, Edgar Degas
        The Last Supper | Leonardo da Vinci | Michelangelo, Raphael
        The Scream | Edvard Munch | Gustav Klimt, Salvador Dali
        The Kiss, the golden painting | Gustav Klimt | Edvard Munch, Egon Schiele
        Guernica | Pablo Picasso | Salvador Dali, Joan Miro
        The Persistence of Memory | Salvador Dali | Pablo Picasso, Rene Magritte
        Girl with a Pearl Earring | Johannes Vermeer | Rembrandt, Frans Hals
        The Night Watch | Rembrandt | Johannes Vermeer, Jan Steen
        The Four Seasons, the violin concertos | Vivaldi | Bach, Mozart
        The Magic Flute | Mozart | Beethoven, Haydn
        Swan Lake | Tchaikovsky | Stravinsky, Chopin
        the Moonlight Sonata | Beethoven | Mozart, Schubert
        The Thinker | Auguste Rodin | Henry Moore, Michelangelo
        The Birth of Venus | Sandro Botticelli | Raphael, Titian
        """,
    ),
    Relation(
        "pioneer",
        ("Who {x}?", "Name the person who {x}."),
        ("Which person {x}?",),
        "the person who {x}",
        "{v} {x}",
        """
        invented the telephone in 1876 | Alexander Graham Bell | Thomas Edison, Nikola Tesla
        discovered penicillin | Alexander Fleming | Louis Pasteur, Marie Curie
        was the first person in space | Yuri Gagarin | Neil Armstrong, Alan Shepard
        was the first President of the United States | George Washington | Abraham Lincoln, Thomas Jefferson
        wrote the theory of relativity | Albert Einstein | Isaac Newton, Niels Bohr
        described the laws of motion and gravity in 1687 | Isaac Newton | Galileo Galilei, Albert Einstein
        proposed evolution by natural selection in 1859 | Charles Darwin | Gregor Mendel, Louis Pasteur
        won Nobel Prizes in both physics and chemistry | Marie Curie | Rosalind Franklin, Ada Lovelace
        sailed across the Atlantic in 1492 | Christopher Columbus | Vasco da Gama, James Cook
        first flew a powered aeroplane in 1903 | Orville Wright | Charles Lindbergh, Louis Bleriot
        led India's non-violent fight for independence | Mahatma Gandhi | Rabindranath Tagore, Indira Gandhi
        was the first woman Prime Minister of the United Kingdom | Margaret Thatcher | Theresa May, Queen Victoria
        invented the World Wide Web | Tim Berners-Lee | Bill Gates, Steve Jobs
        created Sherlock Holmes | Arthur Conan Doyle | Agatha Christie, Edgar Allan Poe
        created Hercule Poirot | Agatha Christie | Arthur Conan Doyle, Dorothy Sayers
        created the Python programming language | Guido van Rossum | Linus Torvalds, Dennis Ritchie
        started the Linux kernel | Linus Torvalds | Bill Gates, Ken Thompson
        """,
    ),
    Relation(
        "year",
        ("In which year {x}?", "What year was it when {x}?", "When was it that {x}?"),
        ("Give the year in which {x}.",),
        "the year in which {x}",
        "It was in {v} that {x}",
        """
        the First World War began | 1914 | 1918, 1912, 1939
        the First World War ended | 1918 | 1914, 1920, 1945
        the Second World War began in Europe | 1939 | 1941, 1914, 1936
        the Berlin Wall fell | 1989 | 1991, 1979, 1985
        people first landed on the Moon | 1969 | 1959, 1972, 1965
        the Titanic sank | 1912 | 1921, 1902, 1915
        the French Revolution began | 1789 | 1798, 1776, 1815
        the US Declaration of Independence was adopted | 1776 | 1767, 1789, 1812
        the Great Fire of London broke out | 1666 | 1566, 1766, 1656
        William of Normandy won the Battle of Hastings | 1066 | 1166, 1086, 1060
        Columbus first reached the Americas | 1492 | 1592, 1482, 1429
        India became independent | 1947 | 1957, 1939, 1950
        the Soviet Union was dissolved | 1991 | 1989, 1981, 1995
        Nelson Mandela became President of South Africa | 1994 | 1990, 1984, 1999
        the first modern Olympic Games were held | 1896 | 1869, 1906, 1924
        the Battle of Waterloo was fought | 1815 | 1805, 1851, 1789
        the euro came into use as cash | 2002 | 1992, 2008, 2012
        the Chernobyl accident happened | 1986 | 1968, 1996, 1979
        the first iPhone went on sale | 2007 | 2001, 2010, 2013
        Wikipedia was launched | 2001 | 1991, 2005, 2010
        Germany was reunified | 1990 | 1989, 1980, 1999
        the Russian Revolution took place | 1917 | 1907, 1927, 1971
        President Kennedy was shot | 1963 | 1936, 1968, 1973
        Pearl Harbor was attacked | 1941 | 1914, 1939, 1945
        the Magna Carta was sealed | 1215 | 1512, 1125, 1315
        """,
    ),
    Relation(
        "currency",
        ("What currency is used in {x}?", "Which currency do people pay with in {x}?", "currency of {x}?"),
        ("What money do they use in {x}?",),
        "the currency of {x}",
        "The currency of {x} is the {v}",
        """
        Japan | yen | yuan, won
        China | yuan | yen, baht
        India | rupee | rial, taka
        the United Kingdom | pound | euro, dollar
        Switzerland | Swiss franc | euro, krone
        Mexico | peso | real, dollar
        Brazil | real | peso, escudo
        Russia | rouble | zloty, hryvnia
        Poland | zloty | euro, koruna
        Thailand | baht | dong, rupee
        South Korea | won | yen, yuan
        Germany | euro | mark, krone
        Sweden | krona | euro, zloty
        Israel | shekel | dinar, lira
        Turkey | lira | euro, dinar
        South Africa | rand | shilling, naira
        Vietnam | dong | baht, yuan
        Nigeria | naira | rand, cedi
        Kenya | shilling | rand, birr
        Hungary | forint | euro, zloty
        """,
    ),
    Relation(
        "language",
        ("What language do people mainly speak in {x}?", "main language of {x}?", "Which language is spoken in {x}?"),
        ("What is the chief language in {x}?",),
        "the main language of {x}",
        "The main language of {x} is {v}",
        """
        Brazil | Portuguese | Spanish, Brazilian
        Mexico | Spanish | Portuguese, Mexican
        Argentina | Spanish | Italian, Portuguese
        Austria | German | Austrian, Hungarian
        Egypt | Arabic | Egyptian, French
        Iran | Persian | Arabic, Turkish
        Australia | English | Australian, Dutch
        Portugal | Portuguese | Spanish, French
        the Netherlands | Dutch | German, Danish
        Denmark | Danish | German, Swedish
        Japan | Japanese | Chinese, Korean
        Turkey | Turkish | Arabic, Greek
        Cuba | Spanish | Portuguese, English
        Chile | Spanish | Portuguese, Chilean
        Saudi Arabia | Arabic | Persian, Turkish
        Hungary | Hungarian | German, Romanian
        Angola | Portuguese | French, English
        """,
    ),
    Relation(
        "continent",
        ("In which continent is {x}?", "Which continent is {x} in?", "what continent is {x} part of?"),
        ("On which continent would you find {x}?",),
        "the continent of {x}",
        "{x} is in {v}",
        """
        Kenya | Africa | Asia, South America
        Egypt | Africa | Asia, Europe
        Nigeria | Africa | South America, Asia
        Morocco | Africa | Europe, Asia
        Ghana | Africa | Asia, South America
        Brazil | South America | Africa, Europe
        Peru | South America | Africa, North America
        Chile | South America | Europe, Africa
        Bolivia | South America | Africa, Asia
        Mexico | North America | South America, Europe
        Canada | North America | Europe, South America
        Cuba | North America | Africa, South America
        Japan | Asia | Africa, Europe
        India | Asia | Africa, South America
        Vietnam | Asia | Africa, Oceania
        Mongolia | Asia | Europe, Africa
        Nepal | Asia | Africa, South America
        Thailand | Asia | Oceania, Africa
        Portugal | Europe | South America, Africa
        Norway | Europe | Asia, North America
        Greece | Europe | Asia, Africa
        Iceland | Europe | Asia, Africa
        the Amazon rainforest | South America | Africa, Asia
        the Sahara | Africa | Asia, Australia
        the Gobi Desert | Asia | Africa, South America
        Mount Kilimanjaro | Africa | Asia, South America
        Mount Everest | Asia | Europe, South America
        the Alps | Europe | Asia, North America
        the Rocky Mountains | North America | Europe, South America
        """,
    ),
    Relation(
        "place",
        ("In which city is {x}?", "Where is {x}?", "Which city has {x}?"),
        ("Which city would I travel to for {x}?",),
        "the city of {x}",
        "{x} is in {v}",
        """
        the Arc de Triomphe | Paris | Rome, London
        Big Ben | London | Paris, Edinburgh
        the Colosseum | Rome | Athens, Milan
        the Statue of Liberty | New York | Washington, Boston
        the Golden Gate Bridge | San Francisco | Los Angeles, Seattle
        the Louvre | Paris | London, Brussels
        the Prado museum | Madrid | Lisbon, Barcelona
        the Brandenburg Gate | Berlin | Vienna, Munich
        the Sagrada Familia | Barcelona | Madrid, Seville
        the Acropolis | Athens | Rome, Cairo
        the White House | Washington | New York, Philadelphia
        the Kremlin and Red Square | Moscow | Kyiv, Minsk
        the Hagia Sophia | Istanbul | Athens, Ankara
        the Forbidden City | Beijing | Tokyo, Shanghai
        the Little Mermaid statue | Copenhagen | Oslo, Stockholm
        the Burj Khalifa | Dubai | Doha, Riyadh
        the Rijksmuseum | Amsterdam | Brussels, Berlin
        Christ the Redeemer | Rio de Janeiro | Lisbon, Buenos Aires
        Buckingham Palace | London | Windsor, Oxford
        """,
    ),
    Relation(
        "country",
        ("Which country is {x} in?", "In what country is {x}?", "country of {x}?"),
        ("Tell me the country where {x} is.",),
        "the country of {x}",
        "{x} is in {v}",
        """
        Mount Fuji | Japan | China, South Korea
        the Taj Mahal | India | Pakistan, Iran
        Machu Picchu | Peru | Mexico, Bolivia
        the Great Barrier Reef | Australia | Indonesia, New Zealand
        the Grand Canyon | the United States | Mexico, Canada
        Stonehenge | England | Ireland, France
        Petra | Jordan | Egypt, Syria
        Angkor Wat | Cambodia | Thailand, Vietnam
        the Great Sphinx of Giza | Egypt | Greece, Iraq
        Chichen Itza | Mexico | Peru, Guatemala
        Loch Ness | Scotland | Ireland, Norway
        Neuschwanstein Castle | Germany | Austria, Switzerland
        Mount Vesuvius | Italy | Greece, Spain
        the Atacama Desert | Chile | Argentina, Mexico
        Lake Balaton | Hungary | Austria, Romania
        the city of Geneva | Switzerland | France, Austria
        the city of Kyoto | Japan | China, Korea
        the city of Cape Town | South Africa | Kenya, Australia
        the city of Vancouver | Canada | the United States, Australia
        the city of Dubrovnik | Croatia | Italy, Greece
        """,
    ),
    Relation(
        "count",
        ("How many {x}?", "how many {x}?", "Tell me how many {x}."),
        ("What is the number: how many {x}?",),
        "",
        "",
        """
        legs does a spider have | A spider has {v} legs | eight | six, ten
        legs does an insect have | An insect has {v} legs | six | eight, four
        arms does a starfish usually have | A starfish usually has {v} arms | five | six, eight
        sides does a hexagon have | A hexagon has {v} sides | six | eight, five
        sides does a pentagon have | A pentagon has {v} sides | five | six, seven
        sides does an octagon have | An octagon has {v} sides | eight | six, nine
        sides does a triangle have | A triangle has {v} sides | three | four, two
        faces does a cube have | A cube has {v} faces | six | four, eight
        corners does a cube have | A cube has {v} corners | eight | six, twelve
        edges does a cube have | A cube has {v} edges | twelve | eight, six
        strings does a cello have | A cello has {v} strings | four | six, five
        strings does a standard guitar have | A standard guitar has {v} strings | six | four, five
        letters does the Greek alphabet have | The Greek alphabet has {v} letters | 24 | 26, 22
        players does a rugby union team have on the pitch | A rugby union team has {v} players on the pitch | 15 | 11, 13
        players does a basketball team have on court | A basketball team has {v} players on court | five | six, seven
        players does a volleyball team have on court | A volleyball team has {v} players on court | six | five, seven
        days does a leap year have | A leap year has {v} days | 366 | 365, 364
        days does an ordinary year have | An ordinary year has {v} days | 365 | 366, 360
        days does a week have | A week has {v} days | seven | six, five
        months does a year have | A year has {v} months | twelve | ten, eleven
        weeks does a year have, roughly | A year has about {v} weeks | 52 | 48, 56
        days does February have in an ordinary year | February has {v} days in an ordinary year | 28 | 29, 30
        days does April have | April has {v} days | 30 | 31, 28
        days does July have | July has {v} days | 31 | 30, 28
        minutes does an hour have | An hour has {v} minutes | 60 | 100, 90
        hours does a day have | A day has {v} hours | 24 | 12, 20
        years does a decade have | A decade has {v} years | ten | twelve, five
        years does a century have | A century has {v} years | 100 | 50, 1000
        eggs make a dozen | A dozen is {v} eggs | twelve | ten, six
        zeros does one million have | One million has {v} zeros | six | five, seven
        zeros does one thousand have | One thousand has {v} zeros | three | four, two
        planets does the solar system have | The solar system has {v} planets | eight | nine, seven
        continents are there in the usual list | There are {v} continents in the usual list | seven | five, eight
        letters does the English alphabet have | The English alphabet has {v} letters | 26 | 24, 28
        vowel letters does English have, not counting Y | English has {v} vowel letters, not counting Y | five | six, four
        chambers does the human heart have | The human heart has {v} chambers | four | two, three
        bones does an adult human body have | An adult human body has {v} bones | 206 | 106, 260
        teeth does an adult usually have with wisdom teeth | An adult usually has {v} teeth with wisdom teeth | 32 | 28, 36
        squares does a chessboard have | A chessboard has {v} squares | 64 | 81, 100
        pieces does each chess player start with | Each chess player starts with {v} pieces | 16 | 12, 8
        cards are in a standard pack without jokers | A standard pack has {v} cards without jokers | 52 | 48, 54
        sides does a standard die have | A standard die has {v} sides | six | eight, four
        states does the USA have | The USA has {v} states | 50 | 52, 48
        stripes does the US flag have | The US flag has {v} stripes | 13 | 50, 12
        rings does the Olympic symbol have | The Olympic symbol has {v} rings | five | six, four
        wheels does a tricycle have | A tricycle has {v} wheels | three | two, four
        humps does a Bactrian camel have | A Bactrian camel has {v} humps | two | one, three
        degrees does a half circle have | A half circle has {v} degrees | 180 | 90, 360
        degrees are in a full circle | A full circle has {v} degrees | 360 | 180, 100
        degrees do a triangle's angles add up to | A triangle's angles add up to {v} degrees | 180 | 360, 90
        bits are in a byte | A byte has {v} bits | eight | ten, four
        beats are in a bar of 3/4 time | A bar of 3/4 time has {v} beats | three | four, two
        lines does a limerick have | A limerick has {v} lines | five | four, six
        syllables does a haiku have | A haiku has {v} syllables | 17 | 15, 12
        lines does a sonnet have | A sonnet has {v} lines | 14 | 12, 16
        """,
    ),
    Relation(
        "superlative",
        ("What is {x}?", "Name {x}.", "{x}?"),
        ("Do you know what {x} is?",),
        "{x}",
        "{x} is {v}",
        """
        the largest planet in the solar system | Jupiter | Saturn, Neptune
        the smallest planet in the solar system | Mercury | Mars, Venus
        the planet closest to the Sun | Mercury | Venus, Mars
        the planet farthest from the Sun | Neptune | Uranus, Saturn
        the hottest planet in the solar system | Venus | Mercury, Mars
        the planet known as the Red Planet | Mars | Venus, Jupiter
        the planet with the most famous rings | Saturn | Jupiter, Mars
        the star closest to the Earth | the Sun | Polaris, Sirius
        the largest ocean on Earth | the Pacific Ocean | the Atlantic Ocean, the Indian Ocean
        the smallest ocean on Earth | the Arctic Ocean | the Indian Ocean, the Atlantic Ocean
        the ocean between Europe and North America | the Atlantic Ocean | the Pacific Ocean, the Indian Ocean
        the highest mountain above sea level | Mount Everest | K2, Mont Blanc
        the largest country by area | Russia | Canada, China
        the smallest country by area | Vatican City | Monaco, Malta
        the largest hot desert | the Sahara | the Gobi, the Kalahari
        the largest continent | Asia | Africa, North America
        the smallest continent | Australia | Europe, Antarctica
        the coldest continent | Antarctica | Europe, Asia
        the largest island in the world | Greenland | Madagascar, Iceland
        the largest animal on Earth | the blue whale | the African elephant, the giraffe
        the largest land animal | the African elephant | the hippo, the rhino
        the fastest land animal | the cheetah | the lion, the horse
        the tallest animal | the giraffe | the elephant, the ostrich
        the largest bird | the ostrich | the eagle, the emu
        the fastest bird in a dive | the peregrine falcon | the golden eagle, the swift
        the longest river in South America | the Amazon | the Orinoco, the Nile
        the longest river in Africa | the Nile | the Congo, the Niger
        the river that flows through London | the Thames | the Severn, the Seine
        the river that flows through Paris | the Seine | the Loire, the Rhine
        the river that flows through Vienna and Budapest | the Danube | the Rhine, the Elbe
        the smallest prime number | 2 | 1, 3
        the largest organ of the human body | the skin | the liver, the heart
        the longest bone in the human body | the femur | the shin bone, the spine
        the hardest natural material | diamond | steel, quartz
        the lightest chemical element | hydrogen | helium, oxygen
        the most common gas in the air | nitrogen | oxygen, carbon dioxide
        the metal that is liquid at room temperature | mercury | lead, iron
        the first colour of the rainbow | red | violet, yellow
        the last letter of the Greek alphabet | omega | zeta, alpha
        the first letter of the Greek alphabet | alpha | beta, omega
        the last month of the year | December | November, January
        the shortest month | February | April, June
        the longest day of the year in the north, by month | June | July, August
        """,
    ),
    Relation(
        "science",
        ("{x}?",),
        ("Quick one: {x}?",),
        "",
        "",
        """
        What gas do people need to breathe to live | People need {v} to breathe | oxygen | nitrogen, carbon dioxide
        What gas do plants take in to make sugar | Plants take in {v} to make sugar | carbon dioxide | oxygen, nitrogen
        What is frozen water called | Frozen water is called {v} | ice | steam, fog
        What is water vapour from a boiling kettle called | Water vapour from a boiling kettle is called {v} | steam | ice, smoke
        Which organ digests food first, after the mouth | The {v} digests food after the mouth | stomach | liver, heart
        Which organ do we think with | We think with the {v} | brain | heart, stomach
        Which organs do we breathe with | We breathe with the {v} | lungs | kidneys, stomach
        Which organs filter the blood and make urine | The {v} filter the blood and make urine | kidneys | lungs, intestines
        What does a thermometer measure | A thermometer measures {v} | temperature | air pressure, weight
        What does a barometer measure | A barometer measures {v} | air pressure | temperature, wind speed
        What does an odometer measure | An odometer measures {v} | distance travelled | fuel, engine speed
        What do bees make | Bees make {v} | honey | jam, silk
        What does a silkworm make | A silkworm makes {v} | silk | honey, cotton
        What are diamonds made of | Diamonds are made of {v} | carbon | iron, silicon
        What is glass mainly made from | Glass is mainly made from {v} | sand | clay, chalk
        What is paper usually made from | Paper is usually made from {v} | wood | plastic, sand
        What is cheese made from | Cheese is made from {v} | milk | eggs, flour
        What is bread mainly made from | Bread is mainly made from {v} | flour | rice, milk
        What is wine made from | Wine is made from {v} | grapes | barley, plums
        What is chocolate made from | Chocolate is made from {v} beans | cocoa | coffee, soya
        What fruit are raisins made from | Raisins are dried {v} | grapes | plums, dates
        What fruit are prunes made from | Prunes are dried {v} | plums | grapes, figs
        Which way does a compass needle point | A compass needle points {v} | north | east, south
        Where does the Sun rise | The Sun rises in the {v} | east | west, north
        Where does the Sun set | The Sun sets in the {v} | west | east, south
        What does the Moon orbit | The Moon orbits the {v} | Earth | Sun, planet Mars
        What does the Earth orbit | The Earth orbits the {v} | Sun | Moon, planet Mars
        Which season follows winter | {v} follows winter | spring | autumn, summer
        Which season follows summer | {v} follows summer | autumn | spring, winter
        Which season is it in Australia in December | In Australia it is {v} in December | summer | winter, autumn
        Where do llamas come from | Llamas come from {v} | South America | Africa, Australia
        Where do polar bears live | Polar bears live in the {v} | Arctic | Antarctic, Alps
        Where do tigers live in the wild | Tigers live in the wild in {v} | Asia | Africa, South America
        Where do wild giraffes live | Wild giraffes live in {v} | Africa | Asia, Australia
        What do pandas mainly eat | Pandas mainly eat {v} | bamboo | fish, meat
        What do koalas eat | Koalas eat {v} leaves | eucalyptus | oak, bamboo
        What do caterpillars turn into | Caterpillars turn into {v} | butterflies or moths | bees, beetles
        What do tadpoles turn into | Tadpoles turn into {v} | frogs or toads | fish, snakes
        Which is faster, light or sound | {v} is faster | light | sound
        Which is colder, ice or steam | {v} is colder | ice | steam
        What colour do black and white paint make | Black and white paint make {v} | grey | brown, green
        What colour do red and yellow paint make | Red and yellow paint make {v} | orange | green, brown
        What colour do red and white paint make | Red and white paint make {v} | pink | orange, purple
        What colour do blue and red paint make | Blue and red paint make {v} | purple | green, orange
        What colour is an emerald | An emerald is {v} | green | red, blue
        What colour is a ruby | A ruby is {v} | red | green, blue
        What colour is a sapphire, as a rule | A sapphire is {v}, as a rule | blue | green, red
        What do you call a scientist who studies the stars | A scientist who studies the stars is an {v} | astronomer | astrologer, archaeologist
        What do you call a doctor for animals | A doctor for animals is a {v} | vet | dentist, surgeon
        What do you call a person who bakes bread | A person who bakes bread is a {v} | baker | butcher, brewer
        What do you call a person who sells meat | A person who sells meat is a {v} | butcher | baker, florist
        What is the smallest bowed string instrument of an orchestra | The {v} is the smallest bowed string instrument | violin | cello, viola
        Which chess piece moves only diagonally | The {v} moves only diagonally | bishop | rook, knight
        Which chess piece moves in an L shape | The {v} moves in an L shape | knight | bishop, queen
        In which sport do you score a try | You score a try in {v} | rugby | tennis, golf
        In which sport do you use a puck | You use a puck in {v} | ice hockey | golf, cricket
        What is the usual body temperature of a person in Celsius | The usual body temperature of a person is {v} degrees Celsius | 37 | 27, 42
        At what temperature in Celsius does water boil at sea level | Water boils at {v} degrees Celsius at sea level | 100 | 212, 90
        How many minutes does sunlight need to the Earth, about | Sunlight needs about {v} minutes to the Earth | eight | two, sixty
        At what temperature in Fahrenheit does water boil at sea level | Water boils at {v} degrees Fahrenheit at sea level | 212 | 100, 200
        """,
    ),
    Relation(
        "animal class",
        ("What kind of animal is {x}?", "Which group of animals does {x} belong to?", "what class of animal is {x}?"),
        ("How would a zoologist classify {x}?",),
        "the class of {x}",
        "{x} is {v}",
        """
        a whale | a mammal | a fish, a reptile
        a dolphin | a mammal | a fish, an amphibian
        a bat | a mammal | a bird, an insect
        a penguin | a bird | a mammal, a fish
        an ostrich | a bird | a mammal, a reptile
        a frog | an amphibian | a reptile, a fish
        a newt | an amphibian | a reptile, a mammal
        a snake | a reptile | an amphibian, a mammal
        a crocodile | a reptile | a mammal, an amphibian
        a tortoise | a reptile | an amphibian, a mammal
        a shark | a fish | a mammal, a reptile
        a seahorse | a fish | a mammal, an insect
        an ant | an insect | an arachnid, a reptile
        a butterfly | an insect | a bird, an arachnid
        a spider | an arachnid | an insect, a reptile
        a scorpion | an arachnid | an insect, a crustacean
        a crab | a crustacean | an insect, a fish
        a kangaroo | a marsupial | a rodent, a reptile
        a koala | a marsupial | a bear, a rodent
        a squirrel | a rodent | a marsupial, a reptile
        """,
    ),
    Relation(
        "young animal",
        ("What is the young of {x} called?", "What do you call a baby of {x}?", "name for the young of {x}?"),
        ("Which word names the offspring of {x}?",),
        "the word for the young of {x}",
        "The young of {x} is called {v}",
        """
        a dog | a puppy | a kitten, a cub
        a cat | a kitten | a puppy, a kid
        a cow | a calf | a foal, a lamb
        a horse | a foal | a calf, a kid
        a sheep | a lamb | a kid, a calf
        a goat | a kid | a lamb, a fawn
        a pig | a piglet | a cub, a kid
        a lion | a cub | a kitten, a calf
        a deer | a fawn | a foal, a lamb
        a swan | a cygnet | a gosling, a duckling
        a goose | a gosling | a cygnet, a chick
        a duck | a duckling | a gosling, an owlet
        a kangaroo | a joey | a cub, a pup
        a frog | a tadpole | a pup, a grub
        a hen | a chick | a cub, a duckling
        """,
    ),
    Relation(
        "opposite",
        ("What is the opposite of {x}?", "opposite of {x}?", "Give me the opposite of the word {x}."),
        ("Which word means the reverse of {x}?",),
        "the opposite of {x}",
        "The opposite of {x} is {v}",
        """
        north | south | east, west
        left | right | up, back
        open | closed | wide, free
        expensive | cheap | dear, costly
        ancient | modern | old, antique
        full | empty | half, heavy
        generous | mean | kind, giving
        early | late | soon, now
        deep | shallow | wide, low
        rough | smooth | hard, tough
        brave | cowardly | bold, daring
        noisy | quiet | loud, busy
        victory | defeat | triumph, battle
        arrive | depart | reach, travel
        increase | decrease | grow, add
        import | export | sell, bring
        inside | outside | within, near
        heavy | light | big, solid
        thick | thin | fat, wide
        wet | dry | damp, cool
        always | never | often, sometimes
        accept | refuse | take, agree
        ascend | descend | climb, jump
        maximum | minimum | most, average
        polite | rude | kind, formal
        sharp | blunt | pointed, bright
        guilty | innocent | criminal, sorry
        entrance | exit | door, gate
        sunrise | sunset | dawn, noon
        positive | negative | certain, plus
        """,
    ),
    Relation(
        "plural",
        ("What is the plural of {x}?", "plural of {x}?", "How do you write more than one {x}?"),
        ("Say that there are many: the plural of {x}?",),
        "the plural of {x}",
        "The plural of {x} is {v}",
        """
        mouse | mice | mouses, mices
        child | children | childs, childrens
        foot | feet | foots, feets
        tooth | teeth | tooths, teeths
        goose | geese | gooses, geeses
        man | men | mans, mens
        woman | women | womans, womens
        ox | oxen | oxes, oxs
        sheep | sheep | sheeps
        knife | knives | knifes, knive
        leaf | leaves | leafs, leave
        wolf | wolves | wolfs, wolve
        life | lives | lifes, live
        shelf | shelves | shelfs, shelve
        city | cities | citys, cityes
        baby | babies | babys, babyes
        box | boxes | boxs, boxies
        potato | potatoes | potatos, potatose
        tomato | tomatoes | tomatos, tomatose
        hero | heroes | heros, heroies
        cactus | cacti | cactis, cactae
        crisis | crises | crisises, crisi
        person | people | peoples, persones
        loaf | loaves | loafs, loave
        bus | buses | buss, busi
        """,
    ),
    Relation(
        "past tense",
        ("What is the past tense of '{x}'?", "past tense of {x}?", "Put '{x}' into the simple past."),
        ("Yesterday's form of the verb '{x}'?",),
        "the past tense of {x}",
        "The past tense of '{x}' is '{v}'",
        """
        go | went | goed, gone
        eat | ate | eated, eaten
        buy | bought | buyed, boughted
        bring | brought | bringed, brang
        think | thought | thinked, thunk
        teach | taught | teached, tought
        catch | caught | catched, cought
        write | wrote | writed, written
        speak | spoke | speaked, spoken
        break | broke | breaked, broken
        swim | swam | swimmed, swum
        sing | sang | singed, sung
        run | ran | runned, runed
        take | took | taked, taken
        give | gave | gived, given
        fly | flew | flied, flown
        know | knew | knowed, known
        grow | grew | growed, grown
        see | saw | seed, seen
        sleep | slept | sleeped, sleept
        feel | felt | feeled, fell
        sell | sold | selled, saled
        tell | told | telled, tolded
        find | found | finded, founded
        drive | drove | drived, driven
        begin | began | beginned, begun
        drink | drank | drinked, drunk
        choose | chose | choosed, chosen
        hide | hid | hided, hidden
        build | built | builded, builted
        """,
    ),
    Relation(
        "acronym",
        ("What does {x} stand for?", "{x} stands for what?", "what does {x} mean, written out?"),
        ("Spell out the abbreviation {x}.",),
        "the meaning of {x}",
        "{x} stands for {v}",
        """
        CPU | Central Processing Unit | Computer Power Unit, Core Program Unit
        GPU | Graphics Processing Unit | General Power Unit, Graphic Print Unit
        RAM | Random Access Memory | Rapid Action Memory, Read All Memory
        ROM | Read-Only Memory | Random Order Memory, Run-On Memory
        USB | Universal Serial Bus | United System Board, Universal Storage Bay
        URL | Uniform Resource Locator | Universal Reading Link, United Route Line
        HTML | HyperText Markup Language | High Text Machine Language, Home Tool Markup Language
        CSS | Cascading Style Sheets | Computer Style System, Coloured Style Sheets
        HTTP | HyperText Transfer Protocol | High Transfer Text Process, Home Text Transport Page
        PDF | Portable Document Format | Printed Data File, Personal Document File
        ATM | Automated Teller Machine | Account Transfer Money, Automatic Time Machine
        DNA | deoxyribonucleic acid | dual nuclear acid, dynamic natural acid
        NASA | National Aeronautics and Space Administration | North American Space Agency, National Air Safety Association
        UN | United Nations | Union of Nations, Universal Network
        EU | European Union | Eastern Union, European United States
        WHO | World Health Organization | World Hospital Office, Western Health Order
        FAQ | Frequently Asked Questions | Fast Answer Queue, Full and Quick
        VAT | Value Added Tax | Variable Annual Tax, Vendor Account Tax
        PIN | Personal Identification Number | Private Internet Number, Public Index Number
        SQL | Structured Query Language | Simple Question List, Server Quick Link
        """,
    ),
    Relation(
        "computing",
        ("{x}?",),
        ("For a beginner: {x}?",),
        "",
        "",
        """
        Which HTTP status means not found | HTTP status {v} means not found | 404 | 500, 403
        Which HTTP status means OK | HTTP status {v} means OK | 200 | 404, 100
        Which HTTP status class is used for server errors, 4xx or 5xx | Server errors use {v} | 5xx | 4xx
        Which keys copy text on Windows | {v} copies text on Windows | Ctrl+C | Ctrl+V, Ctrl+X
        Which keys paste text on Windows | {v} pastes text on Windows | Ctrl+V | Ctrl+P, Ctrl+C
        Which keys undo the last action on Windows | {v} undoes the last action on Windows | Ctrl+Z | Ctrl+U, Ctrl+S
        Which keys save a file on Windows | {v} saves a file on Windows | Ctrl+S | Ctrl+A, Ctrl+F
        Which keys select everything on Windows | {v} selects everything on Windows | Ctrl+A | Ctrl+E, Ctrl+S
        Which keys search in a page on Windows | {v} searches in a page on Windows | Ctrl+F | Ctrl+S, Ctrl+P
        Which keys print a page on Windows | {v} prints a page on Windows | Ctrl+P | Ctrl+O, Ctrl+S
        Which Linux command renames a file | The command {v} renames a file | mv | cp, ren
        Which Linux command changes the folder | The command {v} changes the folder | cd | ls, mv
        Which Linux command shows the current folder | The command {v} shows the current folder | pwd | cwd, cd
        Which Linux command deletes a file | The command {v} deletes a file | rm | mv, ls
        Which Linux command copies a file | The command {v} copies a file | cp | mv, cat
        Which Linux command makes a new folder | The command {v} makes a new folder | mkdir | touch, rmdir
        Which Linux command shows the text of a file | The command {v} shows the text of a file | cat | touch, cd
        Which git command shows changed files | The command {v} shows changed files | git status | git push, git commit
        Which git command sends commits to the server | The command {v} sends commits to the server | git push | git pull, git add
        Which git command fetches and merges new commits | The command {v} fetches and merges new commits | git pull | git push, git init
        Which git command stages a file | The command {v} stages a file | git add | git commit, git clone
        Which git command copies a repository | The command {v} copies a repository | git clone | git log, git fork
        Which SQL keyword filters rows | The keyword {v} filters rows in SQL | WHERE | ORDER BY, GROUP
        Which SQL keyword sorts rows | The keyword {v} sorts rows in SQL | ORDER BY | WHERE, SORTED
        Which SQL keyword adds a new row | The keyword {v} adds a new row in SQL | INSERT | SELECT, UPDATE
        Which SQL keyword reads rows | The keyword {v} reads rows in SQL | SELECT | INSERT, FETCHALL
        Which Python type maps keys to values | The Python type {v} maps keys to values | dict | list, set
        Which Python type holds text | The Python type {v} holds text | str | int, char
        Which Python type holds whole numbers | The Python type {v} holds whole numbers | int | float, num
        Which Python keyword defines a function | The Python keyword {v} defines a function | def | func, function
        Which Python keyword follows try to handle an error | The Python keyword {v} handles an error after try | except | catch, error
        Which Python keyword gives a value back from a function | The Python keyword {v} gives a value back | return | print, give
        Which sign starts a comment in Python | The sign {v} starts a comment in Python | # | //, --
        Which quotes do keys in JSON need | Keys in JSON need {v} quotes | double | single, back
        Which HTML tag makes a link | The HTML tag {v} makes a link | <a> | <link>, <p>
        Which HTML tag is for a paragraph | The HTML tag {v} is for a paragraph | <p> | <br>, <h1>
        Which HTML tag is for the biggest heading | The HTML tag {v} is for the biggest heading | <h1> | <h6>, <head>
        Which port does HTTPS use by default | HTTPS uses port {v} by default | 443 | 80, 22
        Which port does SSH use by default | SSH uses port {v} by default | 22 | 80, 443
        Which is larger, a megabyte or a kilobyte | A {v} is larger | megabyte | kilobyte
        """,
    ),
    Relation(
        "translation",
        ("How do you say {x}?", "What is {x}?", "Which word is {x}?", "{x}?"),
        ("Tell me the word for {x}.",),
        "",
        "",
        """
        'dog' in Spanish | 'Dog' is '{v}' in Spanish | perro | gato, pez
        'cat' in Spanish | 'Cat' is '{v}' in Spanish | gato | perro, vaca
        'house' in Spanish | 'House' is '{v}' in Spanish | casa | calle, coche
        'water' in Spanish | 'Water' is '{v}' in Spanish | agua | leche, vino
        'bread' in Spanish | 'Bread' is '{v}' in Spanish | pan | pez, sal
        'book' in Spanish | 'Book' is '{v}' in Spanish | libro | mesa, papel
        'red' in Spanish | 'Red' is '{v}' in Spanish | rojo | azul, verde
        'blue' in Spanish | 'Blue' is '{v}' in Spanish | azul | rojo, negro
        'thank you' in Spanish | 'Thank you' is '{v}' in Spanish | gracias | por favor, hola
        'please' in Spanish | 'Please' is '{v}' in Spanish | por favor | gracias, perdona
        'Monday' in Spanish | 'Monday' is '{v}' in Spanish | lunes | martes, domingo
        'milk' in Spanish | 'Milk' is '{v}' in Spanish | leche | agua, queso
        'friend' in Spanish | 'Friend' is '{v}' in Spanish | amigo | hermano, vecino
        'five' in Spanish | The number after four is '{v}' in Spanish | cinco | seis, siete
        'dog' in French | 'Dog' is '{v}' in French | chien | chat, cheval
        'cat' in French | 'Cat' is '{v}' in French | chat | chien, lapin
        'house' in French | 'House' is '{v}' in French | maison | jardin, rue
        'water' in French | 'Water' is '{v}' in French | eau | lait, vin
        'bread' in French | 'Bread' is '{v}' in French | pain | beurre, sel
        'book' in French | 'Book' is '{v}' in French | livre | table, papier
        'red' in French | 'Red' is '{v}' in French | rouge | bleu, vert
        'white' in French | 'White' is '{v}' in French | blanc | noir, jaune
        'thank you' in French | 'Thank you' is '{v}' in French | merci | bonjour, pardon
        'good night' in French | 'Good night' is '{v}' in French | bonne nuit | bonjour, merci
        'goodbye' in French | 'Goodbye' is '{v}' in French | au revoir | bonjour, merci
        'apple' in French | 'Apple' is '{v}' in French | pomme | poire, prune
        'school' in French | 'School' is '{v}' in French | \u00e9cole | \u00e9glise, usine
        'sun' in French | 'Sun' is '{v}' in French | soleil | lune, ciel
        'dog' in German | 'Dog' is '{v}' in German | Hund | Katze, Pferd
        'cat' in German | 'Cat' is '{v}' in German | Katze | Hund, Maus
        'house' in German | 'House' is '{v}' in German | Haus | Garten, Baum
        'water' in German | 'Water' is '{v}' in German | Wasser | Milch, Wein
        'bread' in German | 'Bread' is '{v}' in German | Brot | Butter, Salz
        'book' in German | 'Book' is '{v}' in German | Buch | Tisch, Blatt
        'tree' in German | 'Tree' is '{v}' in German | Baum | Blume, Wald
        'thank you' in German | 'Thank you' is '{v}' in German | danke | bitte, hallo
        'please' in German | 'Please' is '{v}' in German | bitte | danke, gern
        'green' in German | 'Green' is '{v}' in German | gr\u00fcn | blau, gelb
        'Tuesday' in German | 'Tuesday' is '{v}' in German | Dienstag | Montag, Donnerstag
        'shoe' in German | 'Shoe' is '{v}' in German | Schuh | Hut, Hose
        'dog' in Italian | 'Dog' is '{v}' in Italian | cane | gatto, cavallo
        'water' in Italian | 'Water' is '{v}' in Italian | acqua | latte, vino
        'thank you' in Italian | 'Thank you' is '{v}' in Italian | grazie | prego, ciao
        'bread' in Italian | 'Bread' is '{v}' in Italian | pane | burro, sale
        'good evening' in Italian | 'Good evening' is '{v}' in Italian | buonasera | buongiorno, grazie
        'house' in Italian | 'House' is '{v}' in Italian | casa | chiesa, strada
        """,
    ),
    Relation(
        "spelling",
        ("How do you spell {x}?", "Spell the word for {x}.", "What is the spelling of the word for {x}?"),
        ("Write down the word for {x}.",),
        "the word for {x}",
        "The word is spelled {v}",
        """
        a place where you eat out | restaurant | restaraunt, resturant
        'without any doubt' | definitely | definately, definitly
        'get something' | receive | recieve, receeve
        'keep apart' | separate | seperate, seprate
        'happen' | occur | ocurr, occurr
        'something that happened' | occurrence | occurence, ocurrence
        'needed' | necessary | neccessary, necesary
        'the day before today' | yesterday | yesturday, yesterdey
        'the day after today' | tomorrow | tommorow, tomorow
        'feeling ashamed' | embarrassed | embarassed, embarrased
        a place to stay | accommodation | accomodation, acommodation
        'those who govern' | government | goverment, governement
        'what surrounds us' | environment | enviroment, enviornment
        a person who lives next door | neighbour | nieghbour, neigbour
        'odd' | weird | wierd, weired
        'one who is dear to you' | friend | freind, frend
        'think to be true' | believe | beleive, belive
        the second month | February | Febuary, Februray
        the day in the middle of the week | Wednesday | Wensday, Wednsday
        a set of dates on the wall | calendar | calender, calandar
        'a lot of knowledge' | knowledge | knowlege, knowledgde
        the rules of a language | grammar | grammer, gramar
        a steady beat in music | rhythm | rythm, rhythem
        'a plan of times' | schedule | shedule, scedule
        'a list of questions' | questionnaire | questionaire, questionnair
        'a special right' | privilege | priviledge, privelege
        'shock, not expected' | surprise | suprise, surprice
        'really' | truly | truely, truley
        'the start' | beginning | begining, beggining
        """,
    ),
)
