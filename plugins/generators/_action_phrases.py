# ruff: noqa: E501 - a line holds phrases, not code
"""Words around requests, refusals and follow-ups, for training and for held-out drafts."""

from __future__ import annotations

# Forms of a request by the kind of its core; those of "me" are for cores in which the user is "me".
WRAPPERS = {
    "I": (
        "{}.", "{}", "{}.", "{}", "please {}.", "{} please", "{}, please.", "can you {}?", "could you {}?",
        "could you please {}?", "can you {} please?", "would you {}?", "I need you to {}.", "hey, {}.", "just {}.",
        "go ahead and {}.", "pls {}", "ok, {}.", "now {}.", "I want you to {}.", "hi, can you {}?", "be so kind and {}.",
        "you should {}.", "quickly {}, please.", "next, {}.", "{}, thanks.", "{}!", "hey there, could you {}?",
    ),
    "I not me": (
        "I want to {}.", "I'd like to {}.", "help me {}.", "I need to {}.", "{} for me.", "can you {} for me?",
        "I have to {}.", "let's {}.", "time to {}.", "can you help me {}?", "please help me to {}.",
        "I was going to {}, can you do it?",
    ),
    "Q": (
        "{}?", "{}?", "{}?", "{}", "hey, {}?", "quick question: {}?", "{}, please?", "hi, {}?", "so, {}?",
        "just curious, {}?", "{}??", "one question: {}?", "good morning, {}?", "ok and {}?",
    ),
    "L": (
        "give me {}.", "show me {}.", "I need {}.", "I'd like to know {}.", "tell me {}.", "what is {}?", "{}?", "{}",
        "{}, please.", "can you tell me {}?", "could you look up {}?", "I want to see {}.", "get me {}.", "find {}.",
        "what's {}?", "please look up {}.", "I'm interested in {}.", "do you know {}?", "let me see {}.", "{} pls",
        "check {}.", "I'm curious about {}.", "find out {} for me.",
    ),
    "N": (
        "I need {}.", "I'd like {}.", "I want {}.", "get me {}.", "can I get {}?", "{}, please.", "{} please",
        "could I have {}?", "we need {}.", "I'm after {}.", "find me {}.", "can you get me {}?", "{}",
    ),
    "F": ("{}", "{}", "{}?", "{} please", "{} pls", "{}.", "hey: {}", "{}, thanks", "ok {}"),
    "S": ("{}", "{}", "{}", "hi. {}", "hello! {}", "{} Thanks!", "{} Please.", "ok. {}", "hey. {}"),
}  # fmt: skip
HELD_OUT_WRAPPERS = {
    "I": (
        "{}.", "{}", "kindly {}.", "would you mind and {}?", "it would be great if you could {}.", "do {}.",
        "I'm asking you to {}.", "{} if you can.", "are you able to {}?", "my request: {}.",
    ),
    "I not me": ("I'm hoping to {}.", "the plan is to {}.", "I'm trying to {}.", "assist me to {}."),
    "Q": ("{}?", "{}", "say, {}?", "hello there, {}?", "could you find out: {}?", "I wonder, {}?"),
    "L": (
        "{}.", "would you look for {}?", "I'm looking for {}.", "please fetch {}.", "we'd love to know {}.",
        "could you report {}?", "how about {}?",
    ),
    "N": ("{}.", "we're looking for {}.", "would there be {}?", "please arrange {}."),
    "F": ("{}", "{}...", "quick: {}"),
    "S": ("{}", "{} Could you see to that?", "good evening. {}"),
}  # fmt: skip
JOINERS = (
    " and ",
    " and ",
    " and also ",
    ", then ",
    " and then ",
    ". Also, ",
    ". After that, ",
    ", and ",
    "; ",
    " plus ",
)
HELD_OUT_JOINERS = (" and ", " as well as ", ". Besides, ", ", and afterwards ", ". In addition, ")

# One form: among several openings, each is less probable than that of a call, which a greedy answer then takes.
REFUSAL = "No tool here can {}."
# Talk for which no tool is made, and what a tool would have to do.
TALK = (
    ("tell me a joke|know any good jokes?|make me laugh|a joke please", "tell jokes"),
    ("how are you?|how's it going?|how are you doing today", "make small talk"),
    ("good morning!|hello|hi there|hey, good evening", "make small talk"),
    ("thanks, that was all|thank you so much!|great, thanks|cheers, that's it for now", "answer thanks"),
    ("write me a poem about {plant}|a short poem about {city}, please|I'd like a poem for {person}", "write poems"),
    ("tell me a bedtime story about {pet}|make up a story about a dragon in {city}", "tell stories"),
    ("what's the meaning of life?|is there life after death?|why are we here", "answer questions of philosophy"),
    ("who do you think is right, my brother or {person}?|what's your opinion on {topic}?", "give opinions"),
    ("do you like {dish}?|what's your favourite song?|are you happy?|do you ever sleep?", "talk about feelings"),
    ("draw me a picture of {landmark}|paint {pet} in oil|sketch a {breed}", "draw pictures"),
    ("sing me something|sing happy birthday for {person}|can you hum a tune?", "sing"),
    ("I'm so tired today|I had a rotten day|I feel lonely tonight", "comfort people"),
    ("who are you?|what's your name?|what can you do?|are you a robot?", "describe itself"),
    ("name my new kitten|what should we call our baby?|find a name for my boat", "invent names"),
    ("play hide and seek with me|let's play twenty questions|do you want to play chess?", "play games with you"),
    ("cut my hair|fold my laundry|wash the dishes, please|carry the sofa upstairs", "do work with hands"),
    ("who will win the lottery?|read my palm|what does my horoscope say?|tell me my future", "tell the future"),
    ("debate me on {topic}|argue against {topic}", "hold debates"),
    ("give me a riddle|got a riddle for the kids?|a tricky riddle please", "pose riddles"),
    ("cheer me up|say something nice|motivate me", "cheer people up"),
)
HELD_OUT_REFUSALS = ("None of the tools can {}.", "There is no tool to {}.")
HELD_OUT_TALK = (
    ("recite a limerick|make a rhyme on {city}|a haiku on {plant} would be lovely", "write verses"),
    ("I'm bored|nothing to do on a rainy day...|boring afternoon here", "chat"),
    ("what did you dream about?|do you have brothers and sisters?", "talk about itself"),
    ("interpret my dream: I was flying above {city}|what does it mean to dream of {pet}?", "interpret dreams"),
    ("see you later!|bye for now|good night, sleep well", "say goodbye"),
    ("teach me to juggle|show me how to whistle|how do I moonwalk?", "teach skills"),
    ("fix my bicycle|sew a button on {garment}|lift this piano", "do repairs by hand"),
    ("compliment {person}|tell {person} how great they are, in your own words", "pay compliments"),
)

# Follow-ups that ask the same for another value.
AGAIN = (
    "and {}?", "what about {}?", "same for {}.", "now {}.", "and for {}?", "do the same for {}.", "{} too, please.",
    "and now {}", "how about {}?", "the same with {}", "ok, and {}?", "also {}.", "Same thing but with {}",
    "can you repeat that for {}?", "next: {}", "and what about {}",
)  # fmt: skip
HELD_OUT_AGAIN = ("likewise for {}.", "once more, this time {}.", "repeat it for {}", "then {} as well.", "{} next.")
DONE = ("Done.", "Here you go.", "All right, that's done.", "There it is.", "OK.", "That worked.")

# Chains: a call, its result, and a request that needs a value of either. ``A.x > B.y`` passes the value of A's own
# argument on; otherwise the value of B's argument stands in the result. ``<kind>`` is any value.
CHAINS = """
search_flights > make_flight_booking.flight
R {"flights": [{"flight": "{flight}", "price": <int 70 600>, "seats": <int 2 40>}]}
T I found {flight} for <int 70 600> euros.
I book (it|that one|that flight) for {passenger}
S Great, {passenger} takes that one. Book it.

search_products > add_to_cart.product_id
R {"results": [{"id": "{product_id}", "price": <int 5 200>, "stock": <int 2 90>}]}
T The best match is {product_id}.
I add {quantity} of them to my cart
I put {quantity} of those in the basket
S Good, I'll take {quantity}.

search_hotels > book_hotel_room.hotel
R [{"hotel": "{hotel}", "rating": <num 3 5 1>, "price": <int 60 300>}]
T {hotel} has rooms from <int 60 300> euros.
I book a room there for {guest} from {check_in} to {check_out}
S Take it for {guest}, from {check_in} until {check_out}.

list_restaurants > book_table.restaurant
R {"restaurants": [{"name": "{restaurant}", "stars": <num 3 5 1>}]}
T I'd suggest {restaurant}.
I book a table there for {people} on {date} at {time}
S Perfect, {people} of us will go there on {date} at {time}. Reserve it.

search_emails > forward_email.message_id
R {"messages": [{"id": "{message_id}", "from": "<email>", "unread": true}]}
T There is one: {message_id}.
I forward it to {to}
S {to} should get that one too, forward it.

search_emails > archive_email.message_id
R [{"id": "{message_id}", "subject": "<title>"}]
T I found {message_id}, '<title>'.
I archive it
I put that one in the archive
S I've read it. Archive, please.

search_emails > label_email.message_id
R [{"id": "{message_id}", "subject": "<title>"}]
T One mail: {message_id}.
I label it as {label}
I put the {label} label on it

list_events > cancel_event.event_id
R {"events": [{"id": "{event_id}", "title": "<title>", "start": "<time>"}]}
T You have one event: {event_id}, <title>.
I cancel it
I remove that from my calendar
S I can't make it, cancel that.

list_events > reschedule_event.event_id
R {"events": [{"id": "{event_id}", "title": "<title>"}]}
T There is {event_id}, <title>.
I move it to {new_date}
S That doesn't suit me. {new_date} is better, move it.

list_tickets > close_ticket.ticket_id
R {"tickets": [{"id": "{ticket_id}", "subject": "<bug>"}]}
T One ticket: {ticket_id}.
I close (it|that one)
S That's solved, close it.

list_tickets > assign_ticket.ticket_id
R {"tickets": [{"id": "{ticket_id}", "subject": "<bug>"}]}
T There is {ticket_id}: <bug>.
I assign it to {agent}
I let {agent} do it

search_homes > schedule_viewing.listing_id
R [{"listing": "{listing_id}", "rooms": <int 2 5>, "price": <int 600 3000>}]
T {listing_id} looks right, at <int 600 3000> euros.
I book a viewing on {date} at {time}
S I'd like to see it on {date} at {time}.

track_order.order_id > cancel_order.order_id
R {"order": "{order_id}", "status": "processing"}
T It hasn't been sent yet.
I cancel it
S Then cancel it, please.
S Too slow. Cancel that order.

track_order.order_id > return_item.order_id
R {"order": "{order_id}", "status": "delivered"}
T It was delivered yesterday.
I return it because {reason}
S I'm sending it back: {reason}.

get_flight_status.flight > make_flight_booking.flight
R {"flight": "{flight}", "status": "on time"}
T It's on time.
I book {passenger} on it
S Then book it for {passenger}.

look_up_books.query > borrow_book.title
R {"copies": <int 1 5>, "available": true}
T A copy is in.
I borrow it for member {member_id}
S My card is {member_id}. I'll take it.

recommend_movies > buy_cinema_tickets.film
R {"films": ["{film}"]}
T How about {film}?
I buy {seats} tickets for it on {date}
S Sounds good. {seats} seats on {date}, please.

recommend_movies > get_showtimes.film
R ["{film}"]
T You might like {film}.
Q when is it shown in {city}
I look up when it's on in {city}

recommend_music > play_song.song
R {"songs": ["{song}"]}
T Try {song}.
I play it
S Nice, let me hear that.

get_weather.city > get_forecast.city
R {"temperature": <int 2 30>, "sky": "cloudy"}
T It's <int 2 30> degrees and cloudy.
Q and how will it be there over the next {days} days
L the forecast for the next {days} days there

get_logs.service > restart_service.service
R {"lines": ["ERROR: connection lost"]}
T It lost its connection.
I restart it
S That doesn't look good. Restart it.

deploy_service.service > get_logs.service
R {"status": "deployed"}
T It's deployed.
I show the last {lines} lines of its log
Q what do the last {lines} log lines say

check_stock.sku > reorder_item.sku
R {"sku": "{sku}", "units": <int 2 9>}
T Only <int 2 9> are left.
I order {quantity} more
S That's too few. Order {quantity}.

price_of_share.symbol > buy_shares.symbol
R {"symbol": "{symbol}", "price": <int 5 300>}
T It's at <int 5 300> dollars.
I buy {shares} of them
S Good price. {shares} shares, please.

nearby_places > directions_to.end=address
R [{"address": "{end}", "open": true}]
T The closest one is at {end}.
Q how do I get there from {start}
I give me directions to it from {start}

search_photos > rotate_image.path
R {"photos": ["{path}"]}
T I found {path}.
I rotate it by {angle} degrees
S It's crooked, turn it {angle} degrees.

search_photos > convert_image.path
R {"photos": ["{path}"]}
T There's {path}.
I convert it to {format}
Q can I have it as {format}

download_file.path > share_file.path
R {"saved": "{path}"}
T It's saved as {path}.
I share it with {email}
S {email} needs it too. Share it.

find_events > rsvp_event.event_id
R [{"id": "{event_id}", "free": true}]
T There is one: {event_id}.
I answer {answer} to it
S My answer is {answer}.

search_candidates > add_employee.name
R {"candidates": [{"name": "{name}", "years": <int 2 20>}]}
T {name} fits best.
I add them to {department} as {role}
S Hired! They join {department} as a {role}.

define_word.word > find_synonyms.word
R {"meaning": "see the dictionary"}
T Here is its meaning.
Q what are other words for it
I find synonyms for it

play_song.song > get_lyrics.song
R {"playing": "{song}"}
T It's playing.
I show me the lyrics
Q what are its words

play_song.song > add_to_playlist.song
R {"playing": true}
T Playing now.
I add it to {playlist}
S I love it. It belongs in {playlist}.
"""
HELD_OUT_CHAINS = """
request_ride > rate_driver.ride_code
R {"ride": "{ride_code}", "driver": "<person>"}
T Your ride is {ride_code}, with <person>.
I award its driver {points} points
S What a ride! {points} points for the driver.

reserve_parking_space > extend_parking_session.session_code
R {"session": "{session_code}", "spot": "<id @##>"}
T Your session is {session_code}.
I prolong it by {extra_minutes} minutes
S We'll be late, give it {extra_minutes} minutes more.

fare_estimate.target_zone > request_ride.drop_off
R {"fare": <int 8 60>}
T About <int 8 60> euros.
I hail a cab there, I'm at {pickup_address}
S Fine, a taxi there then. I'm at {pickup_address}.

tide_table.harbour > berth_reservation.marina
R {"high": "<time>", "coefficient": <int 40 110>}
T High water is at <time>.
I reserve a berth there for a boat of {boat_length} metres, {moor_nights} nights
S We'd moor there {moor_nights} nights, the boat has {boat_length} metres.

star_distance.star_name > telescope_booking.target_star
R {"light_years": <int 5 900>}
T It is <int 5 900> light years away.
I reserve {slot_minutes} telescope minutes for it, night of {observing_night}
S I'd observe it for {slot_minutes} minutes in the night of {observing_night}.

podcast_subscribe.podcast_name > play_podcast_episode.show
R {"subscribed": true}
T You follow it now.
I let me hear episode {episode} of it
S Now its episode {episode}.

insurance_quote > file_insurance_claim.policy_number
R {"policy": "{policy_number}", "premium": <int 60 900>}
T Policy {policy_number} is set up.
I file a claim of {claimed_sum} on it, incident of {incident_date}
S Bad luck on {incident_date}. Claim {claimed_sum} on it.
"""
