# ruff: noqa: E501 - a line of the notation is one argument or one request
"""The tools of everyday applications that training drafts use, in the notation of ``_action_grammar``."""

from __future__ import annotations

APPLICATIONS = {
    "weather": """
get_weather current_weather weather_now lookup_weather fetch_conditions
= check the current weather
: Get the current weather for a city | Current conditions at a place | Returns the weather right now for a location.
-* city location place town : city ; City name | City to look up
-? units unit_system temp_unit : enum celsius=Celsius/degrees C,fahrenheit=Fahrenheit/degrees F ; Temperature unit ; in {} | Use {}
I (check|look up|get|tell me) the weather in {city}
Q what's the weather (like |)in {city} (right now|at the moment|)
L the (current|) weather (in|for) {city}
F {city} weather
F weather {city} (now|)
S I'm about to go out in {city}. Do I need a coat?

get_forecast forecast_for_days forecast_lookup daily_forecast predict_weather
= give a weather forecast
: Get the weather forecast for the coming days | Forecast for a city over several days
-* city location town : city ; City to forecast
- days num_days day_count : int 2 10 ; Number of days ahead ; for {} days | for the next {} days
-? hourly include_hourly by_hour : bool ; Whether to break the forecast down by hour ; t: hour by hour | t: with an hourly breakdown
I (get|fetch|show me) the {days}-day forecast for {city}
Q how will the weather in {city} be over the next {days} days
Q will it rain in {city} in the next {days} days
L the forecast for {city} for the next {days} days
F {days} day forecast {city}

check_air_quality air_quality_level check_aqi pollution_level
= check air quality
: Air quality index of a city | Get the level of air pollution
-* city location place : city ; City name
-? pollutant substance : enum pm25=PM2.5/fine dust,ozone,no2=nitrogen dioxide ; A single pollutant to report ; for {} only | Only {} matters to me
I (check|look up) the air quality in {city}
Q (how clean is|is it safe to breathe) the air in {city} today
Q how polluted is {city}
L the air quality in {city}
F air quality {city}

get_sun_times sunrise_sunset daylight_hours sun_schedule
= look up sunrise and sunset
: Sunrise and sunset times of a place on a date | Get the times of sunrise and sunset
-* city place location : city ; City name
-? date day on_date : date ; Date ; on {} | for {}
I (look up|find out) (when the sun rises|the sunrise and sunset times) in {city}
Q when does the sun (rise|set|come up|go down) in {city}
L the sunrise and sunset times (in|for) {city}
F sunset time {city}

set_weather_alert create_weather_alert add_storm_warning subscribe_weather_alert
= set up weather alerts
: Notify the user of dangerous weather | Subscribe to weather alerts for a place
-* city location : city ; City to watch
- kind alert_type hazard : enum storm=storms/a storm,frost=frost/frost warnings,flood=floods/flooding,heat=extreme heat/a heat wave ; Kind of hazard
I (warn|alert|notify) me about {kind} in {city}
I set up an alert for {kind} in {city}
S Let me know if {city} gets {kind}.
""",
    "files": """
move_file relocate_file mv transfer_file #move
= move files
: Move a file to another folder | Moves a file.
-* source src path from_path : path ; File to move
- destination dest target_folder to_folder : folder ; Folder to move it to
-? overwrite replace force : bool ; Replace an existing file ; t: and overwrite whatever is there | t: replacing any old copy
I (move|put|shift) {source} (to|into) {destination}
Q could {source} (go|be moved) into {destination}
S {source} belongs in {destination}, move it there.
F mv {source} {destination}

delete_file remove_file erase_file trash_file
= delete files
: Delete a file | Remove a file from disk
-* path file file_path filename : path ; File to delete
-? permanent skip_trash : bool ; Do not keep it in the bin ; t: for good | t: permanently
I (delete|remove|get rid of|bin|erase) {path}
I delete the file {path}
S I don't need {path} any more, delete it.
F rm {path}

rename_file change_filename set_file_name #move
= rename files
: Give a file a new name | Rename a file in place
- path file current_name old_name : path ; File to rename
- new_name name target_name : path txt md csv pdf ; New name
I rename {path} to {new_name}
I change the name of {path} to {new_name}
Q can {path} be called {new_name} instead
F rename {path} -> {new_name}

create_folder make_directory mkdir new_folder
= create folders
: Create a folder | Make a new directory
-* path folder directory : folder ; Folder to create
I (create|make|add) (a folder|a directory) (called|named) {path}
I make a new folder {path}
S I need a folder named {path}.
F mkdir {path}

compress_files zip_files make_archive create_zip
= make archives
: Pack a folder into an archive | Compress a folder
- folder source directory : folder ; Folder to pack
- archive output archive_name target : path zip ; Archive to write
-? level compression_level : int 1 9 ; Compression level 1-9 ; at level {} | with compression level {}
I (zip|pack|compress) {folder} (into|as) {archive}
I make an archive {archive} of {folder}
Q can you zip up {folder} as {archive}

share_file share_document grant_access give_file_access
= share files
: Share a file with a person | Give somebody access to a file
- path file document : path ; File to share
-* email recipient user_email share_with : email ; Person's e-mail address
-? role permission access_level : enum viewer=read only/view only,editor=edit rights/edit access ; Access level ; with {} | as {}
I share {path} with {email}
I give {email} access to {path}
Q can {email} get access to {path}
S {email} needs to see {path}. Share it.
""",
    "mail": """
send_mail compose_email mail_send email_message
= send e-mails
: Send an e-mail | Compose and send an e-mail message
-* to recipient to_address email : email ; Recipient's address
- subject title subject_line : title ; Subject line
- body text content message : message ; Text of the mail
-? cc copy_to : email ; Address to copy ; and cc {} | with {} in copy
I (email|mail|write to) {to} with the subject '{subject}' and the text '{body}'
I send an e-mail to {to}, subject {subject}, saying '{body}'
I send {to} an email titled '{subject}' that says '{body}'
S Email to {to}. Subject: {subject}. Text: {body}

search_emails find_emails search_inbox query_mail
= search e-mails
: Find e-mails in the inbox | Search the mailbox
-* query keyword text search_term : topic ; Words to look for
-? sender from_address from_sender : email ; Only from this address ; from {} | sent by {}
-? unread_only only_unread : bool ; Only unread mails ; t: that I haven't read yet | t: among the unread ones
I (find|search for|look for) (e-mails|emails|mails) about {query}
I search my inbox for {query}
Q do I have any emails about {query}
L all mails that mention {query}

archive_email archive_message file_email_away
= archive e-mails
: Move an e-mail to the archive | Archive a mail
-* message_id email_id id mail_id : id msg-#### ; Id of the mail
I archive (mail|message|the e-mail) {message_id}
I put {message_id} in the archive
Q can {message_id} go to the archive
F archive {message_id}

forward_email forward_message pass_on_email
= forward e-mails
: Forward an e-mail to somebody else | Forward a mail
- message_id email_id id : id msg-#### ; Id of the mail
-* to recipient forward_to : email ; Address to forward to
-? note comment : message ; Words to put above ; with the note '{}' | and add '{}'
I forward (mail|message|e-mail) {message_id} to {to}
I pass {message_id} on to {to}
Q could {to} get a copy of mail {message_id}

set_out_of_office enable_auto_reply vacation_responder set_away_message
= set automatic replies
: Turn on an automatic reply | Set the out-of-office message
- start start_date from_date : date ; First day ; from {}
- end end_date until until_date : date ; Last day ; until {}
- text message reply_text : message ; Text of the reply
I set my out of office from {start} to {end} with the text '{text}'
I turn on auto reply between {start} and {end} saying '{text}'
S I'm away from {start} until {end}. Auto-reply: {text}

label_email add_label tag_email apply_mail_label
= label e-mails
: Put a label on an e-mail | Tag a mail
- message_id email_id id : id msg-#### ; Id of the mail
- label tag label_name : enum urgent,invoice,travel,family,follow_up=follow up,newsletter ; Label
I label (mail|message|e-mail) {message_id} as {label}
I tag {message_id} (with|as) {label}
I put the {label} label on {message_id}
""",
    "calendar": """
create_event add_event schedule_event new_calendar_event book_meeting #event
= add events to a calendar
: Add an event to the calendar | Create a calendar event
- title name event_name summary : title ; Title of the event
- date day event_date : date ; Date
-? start_time time begins_at : time ; Start time ; at {} | starting at {}
-? location place venue : address ; Place ; at {} | The place is {}
-? attendees guests participants : list email 1 3 ; Addresses of guests ; with {} | and invite {}
I (add|put) '{title}' (to|in|on) my calendar on {date}
I (schedule|plan|create an event) '{title}' for {date}
I block {date} for {title}
Q can you put {title} on the calendar for {date}
F {title} on {date}

cancel_event delete_event remove_meeting remove_from_calendar
= cancel events
: Delete an event from the calendar | Cancel a meeting
-* event_id id meeting_id : id evt_#### ; Id of the event
-? notify notify_guests send_notice : bool ; Tell the guests ; t: and tell the guests | f: without telling anybody
I (cancel|delete|remove) (event|the meeting) {event_id}
I take {event_id} off my calendar
S {event_id} isn't happening any more, cancel it.

list_events get_agenda show_calendar events_on_day
= list calendar events
: List the events of a day | Show the agenda
-* date day for_date : date ; Day to show
-? calendar calendar_name : enum work,home,family,school ; Only this calendar ; in my {} calendar | from the {} calendar
I (list|show me|read out) my (events|appointments|meetings) on {date}
Q what's on my calendar on {date}
Q (do I have anything|am I busy) on {date}
L my agenda for {date}
F agenda {date}

reschedule_event move_event change_event_time shift_meeting
= reschedule events
: Move an event to another day and time | Reschedule a meeting
- event_id id meeting_id : id evt_#### ; Id of the event
- new_date date to_date : date ; New date
-? new_time time to_time : time ; New start time ; at {}
I (move|reschedule|push|shift) {event_id} to {new_date}
Q can {event_id} be moved to {new_date}
S {event_id} doesn't suit me. Make it {new_date}.

find_free_slot suggest_meeting_time find_available_time
= find free times
: Find a time when all people are free | Suggest a meeting time
- people attendees participants : list person 2 4 ; Who must be free
- duration_minutes minutes length : int 15 120 ; Length in minutes
-? date day : date ; Day ; on {}
I find {duration_minutes} minutes when {people} are all free
I find a free slot of {duration_minutes} minutes for {people}
Q when can {people} meet for {duration_minutes} minutes
S I need {duration_minutes} minutes with {people}. Find a time.
""",
    "clock": """
set_alarm create_alarm add_alarm wake_me_up #alarm
= set alarms
: Set an alarm | Create a new alarm for a time of day
-* time alarm_time at when : clock ; Time, as said
-? label name : chore ; What it is for ; with the label '{}' | called '{}'
-? repeat repeats recurrence : enum daily=every day,weekdays=on weekdays,weekends=on weekends ; When it repeats ; {}
I set an alarm for {time}
I wake me (up|) at {time}
Q can you set my alarm for {time}
S I have to be up at {time}, set an alarm.
F alarm {time}

start_timer set_timer countdown begin_countdown #timer
= start timers
: Start a countdown | Start a timer that rings after a while
-* duration length time_span : duration ; How long, as said
-? name label title : dish ; Name of the timer ; for the {} | called {}
I (start|set) a timer for {duration}
I time {duration}
Q can you count down {duration}
F timer {duration}
F {duration} timer

world_clock get_time_in current_time local_time
= tell the time in other places
: Current time in a city | Get the local time of a place
-* city place location : city ; City name
I (tell me|check) the time in {city}
Q what time is it in {city} (right now|)
L the local time in {city}
F time in {city}

delete_alarm cancel_alarm remove_alarm switch_off_alarm
= delete alarms
: Remove an alarm | Cancel an alarm that was set
-* time alarm_time at : clock ; Time of the alarm, as said
I (delete|cancel|remove|turn off) my {time} alarm
I (delete|cancel) the alarm (at|for) {time}
S I don't need the alarm at {time} any more.
""",
    "notes": """
create_note add_note save_note new_note #note
= save notes
: Save a note | Add a new note to the notebook
- text content body note : note ; Text of the note
-? title heading : title ; Title ; under the title '{}' | Title it '{}'
-? tags labels : list enum home,work,ideas,kids,money 1 2 ; Tags ; tagged {}
I (make|take|save) a note: '{text}'
I (note down|write down) '{text}'
S Note to self: {text}

search_notes find_note look_in_notes
= search notes
: Search the notes | Find notes with a word
-* query keyword words : item ; Word to look for
-? limit max_results : int 2 20 ; Maximum number of notes ; and show at most {} | Show {} at most
I (find|search for) my notes (about|on) {query}
Q (where did I write something|do I have a note) about {query}
L my notes that mention {query}

add_todo create_task add_task new_todo_item #task
= add tasks to a to-do list
: Add a task to the to-do list | Create a to-do item
-* task title item text : chore ; The task
-? due due_date deadline : date ; Due date ; by {} | Due {}
-? priority importance : enum low=low,medium=medium,high=high/top ; Priority ; with {} priority | as {} priority
I add '{task}' to my (to-do list|tasks|todos)
I put '{task}' on my list
S New task: {task}.
S I still have to {task}. Put it on my list.

complete_task mark_done finish_task check_off_todo
= mark tasks as done
: Mark a task as done | Check off a to-do item
-* task title name : chore ; The task
I mark '{task}' as done
I (check|tick) off '{task}'
S I've finished '{task}', take it off the list.
F done: {task}
""",
    "shop": """
search_products find_products product_search browse_catalog #product
= search products
: Search the shop's catalogue | Find products by keyword
-* query keyword product search_term : product ; What to look for
-? max_price price_limit budget : money 10 300 ; Highest price ; for less than {} | under {}
-? sort_by order_by : enum price=price,rating=rating/reviews,newest=newest first ; Sort order ; sorted by {}
-? in_stock only_available : bool ; Only items in stock ; t: that are in stock | t: available now
I (find|search for|look for|show me) {query}
Q do you sell {query}
N {query} from the shop
S I'm looking for {query}.

add_to_cart cart_add put_in_basket add_item_to_cart
= add items to a cart
: Put a product in the cart | Add an item to the shopping cart
-* product_id item_id sku id : id SKU-#### ; Product's id
- quantity count amount qty : int 1 12 ; How many
-? gift_wrap wrap_as_gift : bool ; Wrap it as a gift ; t: and gift wrap it | t: wrapped as a gift
I (add|put) {quantity} of {product_id} (to|in) my (cart|basket)
I put {quantity} x {product_id} in the cart
S I'll take {quantity} of {product_id}. Into the cart, please.
F {quantity} x {product_id} to cart

track_order order_status where_is_my_order get_order_status
= track orders
: Get the status of an order | Track an order by its number
-* order_id order_number order id : id ORD-##### ; Order number
I (track|check) (my|) order {order_id}
Q where is (my|the) order {order_id}
Q has {order_id} (shipped|been sent) yet
L the status of order {order_id}
F status {order_id}

return_item request_refund start_return create_return
= return orders
: Start a return of an order | Request a refund for an order
- order_id order_number order : id ORD-##### ; Order number
- reason cause return_reason : enum damaged=it arrived damaged/it is broken,wrong_size=it is the wrong size/it does not fit,not_needed=I no longer need it/I changed my mind ; Reason
I return (order|) {order_id} because {reason}
Q can I send {order_id} back, {reason}
S I want my money back for {order_id}: {reason}.

apply_coupon redeem_code use_voucher apply_discount_code
= apply discount codes
: Apply a discount code to the cart | Redeem a coupon
-* code coupon voucher coupon_code : id @@@@## ; The code
I (apply|use|redeem) (the|) (coupon|code|voucher) {code}
Q can I use the code {code}
S I've got a voucher, it's {code}.
F code {code}

cancel_order stop_order abort_order
= cancel orders
: Cancel an order that is not sent yet | Cancel an order
-* order_id order_number order id : id ORD-##### ; Order number
I (cancel|stop|call off) (my|) order {order_id}
Q can I still cancel {order_id}
S I ordered by mistake, cancel {order_id}.

write_review post_review rate_product submit_review
= post reviews
: Post a review of a product | Rate a product
- product_id sku item_id : id SKU-#### ; Product's id
- stars rating score : int 1 5 ; Stars from 1 to 5
-? text comment review : review ; Text of the review ; and write '{}' | Comment: {}
I (give|rate) {product_id} {stars} stars
I review {product_id} with {stars} (stars|out of 5)
S {stars} stars for {product_id} from me.
""",
    "groceries": """
add_to_shopping_list shopping_list_add add_grocery put_on_list
= add to a shopping list
: Add an item to the shopping list | Put something on the grocery list
-* item product name : item ; What to buy
-? quantity amount : int 2 12 ; How many ; Make it {} | , {} of them
I (add|put) {item} (to|on) (the|my) shopping list
S We're out of {item}, put it on the list.
S We need {item}.
F {item} on the shopping list

remove_from_shopping_list shopping_list_remove drop_grocery
= remove from a shopping list
: Remove an item from the shopping list | Take something off the grocery list
-* item product name : item ; Item to remove
I (remove|delete|take) {item} (from|off) the shopping list
S I already have {item}, take it off the list.
S No need for {item} any more, cross it out.
""",
    "bank": """
get_balance account_balance check_balance balance_of
= check account balances
: Balance of an account | Get the current balance of a bank account
-* account account_type account_name : enum checking=checking/current,savings=savings,credit=credit card,joint=joint ; Account
I (check|show me) (the balance of|) my {account} (account|) balance
Q how much (money|) is in my {account} account
L the balance of my {account} account
F {account} balance

transfer_money send_payment make_transfer wire_money pay_person
= transfer money
: Send money to a person | Transfer an amount to another account
-* recipient to payee beneficiary : full ; Who gets the money
- amount sum value : money 5 900 ; Amount
-? note reference memo : title ; Reference text ; with the note '{}' | Reference: {}
-? date execution_date : date ; Day of the payment ; on {}
I (send|transfer|wire|pay) {amount} to {recipient}
I pay {recipient} {amount}
Q can you send {amount} to {recipient}
S I owe {recipient} {amount}. Send it.

list_transactions get_transactions account_history recent_payments
= list transactions
: List the latest transactions | Show recent payments of an account
- account account_type : enum checking=checking/current,savings=savings,credit=credit card ; Account
- limit count number max_results : int 3 50 ; How many
I (show|list) the last {limit} (transactions|payments) (on|of) my {account} account
Q what were the last {limit} payments on my {account} account
L the last {limit} transactions of my {account} account

freeze_card block_card lock_card disable_card
= block cards
: Block a bank card | Freeze a card that was lost
-* last_digits card_number last4 : id #### ; Last four digits, as text
-? reason cause : enum lost=I lost it/it's lost,stolen=it was stolen/somebody stole it ; Why ; Reason: {}
I (block|freeze|lock) my card ending in {last_digits}
S My card ending {last_digits} is gone, block it.
S Freeze card {last_digits} right away!

add_payee save_beneficiary new_payee create_payee
= add payees
: Save a person to pay later | Add a beneficiary
- payee beneficiary person : object ; The person
-- name : full ; Name of the account's owner
-- iban : id NL##ORCH########## ; Number of the account
-? nickname label : person ; Short name ; as '{}' | Call them {}
I (add|save) {payee.name} with the account {payee.iban} as a payee
I save the account {payee.iban} of {payee.name}
S {payee.name} has the account {payee.iban}. Save it.

pay_bill settle_bill bill_payment pay_invoice
= pay bills
: Pay a bill | Pay an invoice by its number
-* bill_id invoice_number invoice_id : id INV-#### ; Number of the bill
-? account from_account : enum checking=checking/current,savings=savings ; Account to pay from ; from my {} account
I (pay|settle) (bill|invoice|) {bill_id}
Q can you pay {bill_id} (for me|)
S {bill_id} is due, pay it.

set_budget create_budget budget_limit set_spending_limit
= set budgets
: Set a monthly limit for a category | Create a budget for a kind of spending
- category kind spending_category : enum groceries,dining=dining/eating out,travel,clothes,fun=fun/entertainment ; Category
- limit amount monthly_limit : money 50 900 ; Limit a month
I (set|cap) my (monthly|) {category} (budget|spending) (at|to) {limit}
I limit {category} to {limit} a month
S No more than {limit} a month for {category}.
""",
    "music": """
play_song play_track start_song play_music #play
= play songs
: Play a song | Start playing a track
-* song title track track_name : song ; Title of the song
-? artist by performer : artist ; Performer ; by {}
-? shuffle random_order : bool ; Shuffle afterwards ; t: and shuffle after that
I (play|put on|start) '{song}'
I play (the song|the track|) {song}
Q can you (play|put on) {song}
S I want to hear {song}.

play_playlist start_playlist open_playlist
= play playlists
: Play a playlist | Start one of the user's playlists
-* name playlist playlist_name : playlist ; Name of the playlist
-? shuffle random_order : bool ; Shuffle the songs ; t: on shuffle | t: in random order | f: in order
I (play|start|put on) my {name} playlist
I play the playlist '{name}'
Q can we have my {name} playlist
F playlist {name}

add_to_playlist playlist_add save_song_to
= add songs to playlists
: Add a song to a playlist | Save a track in a playlist
-* song title track : song ; Title of the song
- playlist name playlist_name : playlist ; Playlist
I add {song} to (my|the) (playlist|) {playlist}
I put '{song}' (on|in) {playlist}
S {song} should be in {playlist}. Add it.

set_volume change_volume adjust_volume volume_level
= set the volume
: Set the volume | Change the loudness of playback
- level volume percent : int 5 100 ; Volume from 0 to 100
-? device speaker : device ; Device ; on {}
I (set|turn|change) the volume (to|at) {level}
I make it {level} percent loud
F volume {level}

find_concerts search_gigs look_for_concerts upcoming_shows #concerts
= find concerts
: Find concerts of an artist | Search for upcoming shows
-* artist band performer : artist ; Artist
-? city location near : city ; City ; in {} | near {}
I find concerts (by|of) {artist}
Q when (is|are) {artist} playing (live|)
Q does {artist} have any shows
L the next concerts of {artist}

get_lyrics fetch_lyrics song_lyrics find_lyrics
= find lyrics
: Get the lyrics of a song | Find the words of a song
-* song title track : song ; Title
-? artist performer : artist ; Performer ; by {}
I (find|get|show me) the (lyrics|words) (of|to) {song}
Q what are the lyrics of '{song}'
L the lyrics of {song}
F lyrics {song}

recommend_music suggest_songs music_recommendations
= recommend music
: Recommend music of a genre | Suggest songs
-* genre style : genre ; Genre
- count number limit : int 3 20 ; How many
-? decade era : enum 1970s=the seventies,1980s=the eighties,1990s=the nineties,2000s=the 2000s ; Decade ; from {}
I (recommend|suggest) {count} {genre} (songs|tracks)
Q which {count} {genre} songs should I hear
S Surprise me with {count} {genre} songs.
N {count} good {genre} tracks
""",
    "home": """
turn_on_light switch_light_on lights_on enable_light
= turn on lights
: Turn on the light in a room | Switch a light on
-* room location area : room ; Room
-? brightness level : int 10 100 ; Brightness in percent ; at {} percent | Dim it to {} percent
-? color colour light_color : colour ; Colour ; in {}
I (turn|switch) on the {room} (light|lights|lamp)
I light up the {room}
S It's too dark in the {room}.
F {room} lights on

turn_off_light switch_light_off lights_off disable_light
= turn off lights
: Turn off the light in a room | Switch a light off
-* room location area : room ; Room
I (turn|switch) off the {room} (light|lights|lamp)
I (kill|cut) the lights in the {room}
S Nobody is in the {room}, so lights out there.
F {room} lights off

set_thermostat set_temperature adjust_heating change_temperature
= set the heating
: Set the temperature of a room | Adjust the thermostat
- temperature degrees target_temperature : num 15 26 1 ; Target temperature
-* room zone area : room ; Room
-? mode hvac_mode : enum heat=heating,cool=cooling,auto=automatic ; Mode ; in {} mode
I (set|turn) the {room} (thermostat|heating) to {temperature} degrees
I make the {room} {temperature} degrees
Q can you set {temperature} degrees in the {room}
F {room} {temperature} degrees

lock_door secure_door door_lock
= lock doors
: Lock a door | Lock one of the house's doors
-* door which_door name : enum front=front,back=back,garage=garage,patio=patio/terrace,cellar=cellar ; Door
I (lock|secure) the {door} door
Q can you make sure the {door} door is locked
S I forgot to lock the {door} door.
F lock {door} door

open_blinds set_blinds move_blinds adjust_shades
= move blinds
: Open or close the blinds | Set the position of the shades
-* room location : room ; Room
- position percent opening : int 0 100 ; 0 is closed, 100 is open
I (set|move|put) the {room} blinds to {position} percent
I open the blinds in the {room} to {position} percent
F {room} blinds {position}%

start_vacuum clean_floor run_robot_vacuum vacuum_room
= vacuum rooms
: Send the robot vacuum to a room | Start vacuuming
-* room area zone : room ; Room
-? mode power : enum quiet=quiet/silent,normal,turbo=turbo/strong ; Power ; in {} mode | on {}
I (vacuum|hoover|clean) the {room}
I send the (robot|vacuum) to the {room}
S The {room} floor is dirty, vacuum it.

control_appliance switch_appliance set_appliance toggle_device
= switch appliances
: Switch an appliance on or off | Control a device at home
-* appliance device name : appliance ; Appliance
- state power action : enum on=on,off=off ; New state
I (turn|switch) {state} the {appliance}
I switch the {appliance} {state}
F {appliance} {state}

activate_scene set_scene run_scene start_routine
= start home scenes
: Start a scene | Run a routine of the smart home
-* scene name routine : enum movie=movie night/film night,good_night=good night,away=away/nobody home,morning=morning,party=party ; Scene
I (start|run|activate) the {scene} (scene|routine)
I set the house to {scene}
F {scene} mode
""",
    "travel": """
search_flights find_flights flight_search look_up_flights #flight
= search flights
: Search flights between two cities | Find flights on a date
- origin from_city departure source : city ; City of departure
- destination to_city arrival target : city ; City of arrival
- date departure_date travel_date : date ; Date of travel
-? passengers travellers adults : int 2 6 ; Number of people ; for {} people | for {} passengers
-? cabin seat_class travel_class : enum economy,business,first=first class ; Cabin ; in {}
-? direct_only nonstop : bool ; Only direct flights ; t: without stops | t: direct flights only
I (find|search|look for) (flights|a flight) from {origin} to {destination} on {date}
Q what flights are there from {origin} to {destination} on {date}
Q how do I fly from {origin} to {destination} on {date}
N a flight from {origin} to {destination} on {date}
F {origin} to {destination}, {date}, flights
S I have to be in {destination} on {date}. I'd fly from {origin}.

make_flight_booking reserve_flight buy_flight_ticket
= book flights
: Book a flight by its number | Buy a plane ticket
- flight flight_number flight_id flight_no : id @@#### ; Flight number
- passenger traveller name passenger_name : full ; Name of the traveller
-? bags luggage checked_bags : int 1 3 ; Checked bags ; with {} bags | and {} checked bags
-? seat seat_preference : enum window=window,aisle=aisle ; Seat ; with a {} seat | on the {}
I book flight {flight} for {passenger}
I (reserve|get) a seat on {flight} for {passenger}
Q could you book {passenger} on {flight}
S {passenger} flies with {flight}, book it.

get_flight_status flight_status track_flight is_flight_on_time
= check flight status
: Status of a flight | Check whether a flight is on time
-* flight flight_number flight_id : id @@### ; Flight number
-? date day : date ; Date ; on {}
I (check|track) flight {flight}
Q is (flight|) {flight} (on time|delayed|late)
Q when does {flight} land
L the status of flight {flight}
F {flight} status

search_trains find_trains train_times rail_search
= search trains
: Find trains between two stations | Get train connections
- from_station origin departure start : city ; Where the journey starts
- to_station destination arrival end : city ; Where it ends
- day date travel_day : day ; Day, as said
-? after depart_after earliest : time ; Earliest departure ; after {}
-? bikes bike_space : bool ; With room for a bicycle ; t: with room for my bike
I (find|look up) (trains|a train) from {from_station} to {to_station} {day}
Q which trains go from {from_station} to {to_station} {day}
Q can I get from {from_station} to {to_station} by train {day}
N a train from {from_station} to {to_station} {day}

rent_car book_rental_car hire_car rental_car_booking
= rent cars
: Rent a car | Book a rental car in a city
- city pickup_location location : city ; Where to pick it up
- start_date from_date pickup_date : date ; First day ; from {}
- days duration_days length : int 2 21 ; Number of days
-? car_type vehicle category : enum compact=small,estate=estate,van=van,electric=electric ; Kind of car ; and make it {} | , {} if possible
I (rent|hire|book) a car in {city} for {days} days from {start_date}
Q can I get a rental car in {city} from {start_date} for {days} days
N a rental car in {city} for {days} days from {start_date}

check_visa visa_requirements visa_needed entry_rules
= check visa rules
: Check whether a visa is needed | Entry rules of a country for a nationality
- nationality passport citizen_of : country ; Country of the passport
- destination country to_country : country ; Country to visit
-? days length_of_stay : int 5 90 ; Length of stay in days ; for {} days
I (check|find out) whether someone with a passport from {nationality} needs a visa for {destination}
Q do citizens of {nationality} need a visa for {destination}
L the visa rules of {destination} for people from {nationality}

create_packing_list packing_list what_to_pack
= make packing lists
: Make a packing list | Suggest what to pack for a trip
- destination place city : city ; Where the trip goes
- days nights duration : int 2 20 ; Length of the trip in days
-? activities plans : list enum hiking,swimming,skiing,business=business meetings,camping 1 2 ; Plans ; with {} | Plans: {}
I (make|write) a packing list for {days} days in {destination}
Q what should I pack for {days} days in {destination}
N a packing list for {destination}, {days} days
""",
    "maps": """
directions_to find_route navigate route_planner #route
= give directions
: Get directions from one place to another | Plan a route
- start origin from_place source : address ; Start
- end destination to_place target : landmark ; End
-? mode travel_mode transport : enum driving=by car,walking=on foot,cycling=by bike,transit=by public transport ; Way to travel ; {} | Going {}
-? avoid_tolls no_tolls : bool ; Avoid toll roads ; t: without toll roads | t: avoiding tolls
I (give me|find) (the way|directions|a route) from {start} to {end}
I navigate from {start} to {end}
Q how do I get from {start} to {end}
L the (best|quickest) way from {start} to {end}

nearby_places search_places places_near nearby_search #places
= find places nearby
: Find places of a kind near a location | Search for points of interest
-* kind category place_type type : place_kind ; Kind of place
- near location around center : landmark ; Where to search
-? radius_km radius max_distance : num 1 10 1 ; Radius in km ; within {} km
-? open_now only_open : bool ; Only open places ; t: that is open now | t: open right now
I find a {kind} near {near}
Q is there a {kind} (near|close to|around) {near}
Q where's the (nearest|closest) {kind} to {near}
N a {kind} near {near}
F {kind} near {near}

get_distance distance_between road_distance how_far
= measure distances
: Distance between two cities | Get the distance by road
- from_city origin start place_a : city ; First city
- to_city destination end place_b : city ; Second city
-? unit units : enum km=kilometres/km,miles=miles ; Unit ; in {}
I (work out|tell me) how far it is from {from_city} to {to_city}
Q how far is {to_city} from {from_city}
Q how far is it from {from_city} to {to_city}
L the distance (between|from) {from_city} and {to_city}
F distance {from_city} {to_city}

get_traffic traffic_report check_traffic road_conditions
= check traffic
: Traffic report of a city | Check traffic on the roads
-* city location area : city ; City
-? road street : street ; Road ; on {} | around {}
I check the traffic in {city}
Q how's the traffic in {city}
Q are there jams in {city}
L the traffic report for {city}

save_place bookmark_place add_favorite_place star_location
= save places
: Save an address under a name | Bookmark a place
- name label title : enum home,work,gym,school,parents=my parents ; Name
- address location place : address ; Address
I save {address} as {name}
I bookmark {address} under {name}
S My {name} address is {address}, save it.

get_bus_times next_bus bus_departures stop_timetable
= look up buses
: Next buses at a stop | Departures from a bus stop
-* stop bus_stop stop_name : street ; Name of the stop
-? line bus_line route_number : int 1 99 ; Line ; on line {} | of line {}
I (look up|check) the next buses at {stop}
Q when does the next bus leave from {stop}
L the next departures from {stop}
F next bus {stop}
""",
    "health": """
log_weight record_weight add_weight track_weight
= log body weight
: Record the user's weight | Add a weight to the health log
- weight value amount : num 50 110 1 ; Weight
-? unit units : enum kg=kg/kilos,lb=pounds/lb ; Unit ; in {} | , {}
-? date day measured_on : date ; Day ; on {}
I (log|record|note) my weight as {weight}
S I weigh {weight} today.
S Weight: {weight}.

log_workout record_exercise add_workout track_activity
= log workouts
: Add a workout to the training log | Record an exercise
-* exercise activity workout kind : exercise ; What was done
- minutes duration duration_minutes : int 5 120 ; Minutes
-? intensity effort : enum light=light/easy,moderate=moderate,hard=hard/intense ; Effort ; at {} intensity | It was {}
I (log|record|add) {minutes} minutes of {exercise}
S I did {exercise} for {minutes} minutes.
S Just finished {minutes} minutes of {exercise}, log it.
F {minutes} min {exercise}

log_meal record_food add_food track_meal
= log meals
: Add food to the diary | Log what the user ate
-* food item meal description : food ; What was eaten
- meal meal_type which_meal : enum breakfast,lunch,dinner,snack=a snack ; Meal
-? calories kcal energy : int 80 900 ; Energy in kcal ; , {} calories | It had {} kcal
I (log|record) {food} for {meal}
I add {food} to my {meal}
S I had {food} for {meal}.

book_appointment make_appointment see_doctor schedule_visit #appointment
= book doctor's appointments
: Book an appointment at a practice | Make an appointment with a doctor
- specialty doctor_type department : enum dentist=the dentist,dermatologist=a dermatologist/a skin doctor,gp=a GP/the family doctor,physio=a physiotherapist,eye_doctor=an eye doctor ; Kind of doctor
- date day appointment_date : date ; Date
-? reason complaint symptoms : symptom ; Complaint ; because of {} | I have {}
-? time preferred_time : time ; Time ; at {}
I (book|make) an appointment with {specialty} on {date}
Q can I see {specialty} on {date}
N an appointment with {specialty} on {date}

set_medication_reminder add_pill_reminder medicine_schedule #reminder
= set medication reminders
: Remind the user to take a medicine | Schedule a medicine
- medicine drug medication pill : medicine ; Medicine
- times_per_day per_day doses : int 1 4 ; Times a day
-? with_food after_meal : bool ; To be taken with food ; t: with food | t: with meals
I remind me to take {medicine} {times_per_day} times a day
I set up {medicine}, {times_per_day} times a day
S I have to take {medicine} {times_per_day} times a day.

check_symptoms symptom_checker assess_symptoms
= assess symptoms
: Assess a list of symptoms | Suggest what symptoms may mean
- symptoms complaints signs : list symptom 1 3 ; Symptoms
-? age patient_age years : int 18 80 ; Age in years ; at age {} | I'm {} years old
-? days duration_days since_days : int 2 14 ; For how many days ; for {} days now
I check what {symptoms} could mean
Q what does it mean that I have {symptoms}
S I have {symptoms}.
S What can I do about {symptoms}?

get_sleep_report sleep_stats sleep_summary
= report sleep
: Report on the user's sleep | Summarise the sleep of a number of nights
- nights days num_nights : int 2 30 ; Number of nights
-? include_naps naps : bool ; Count naps too ; t: including naps
I (show|summarise) how I slept over the last {nights} nights
Q how did I sleep (over|in) the last {nights} nights
L my sleep report for the last {nights} nights
""",
    "sports": """
get_score match_score latest_result live_score #score
= look up match results
: Latest result of a team | Get the score of a team's match
-* team club team_name : team ; Team
-? date match_date day : date ; Day of the match ; on {}
I (check|tell me) the (score|result) of the {team} (game|match)
Q how did the {team} (do|play)
Q did the {team} win
L the latest result of the {team}
F {team} score

get_standings league_table standings rankings
= show league tables
: Table of a league | Get the standings of a league
-* league competition tournament : league ; League
-? season year : int 2010 2025 ; Season ; for {} | of the {} season
I show me the {league} (table|standings)
Q who's leading the {league}
L the {league} (table|standings)
F {league} table

get_fixtures upcoming_matches team_schedule next_games
= list upcoming matches
: Next matches of a team | Get a team's schedule
-* team club : team ; Team
-? count limit number_of_games : int 2 10 ; How many matches ; Just the next {} | , {} games please
I (list|show) the next games of the {team}
Q (when|who) do the {team} play next
L the schedule of the {team}

player_stats player_statistics athlete_stats
= look up player statistics
: Statistics of a player | Get the numbers of an athlete
-* player name athlete player_name : full ; Player
- sport discipline : sport ; Sport
-? season year : int 2010 2025 ; Season ; in {} | for {}
I (look up|get) the {sport} stats of {player}
Q what are {player}'s {sport} stats
L the {sport} statistics of {player}

book_court reserve_court court_booking
= book courts
: Book a court or field | Reserve a court at the sports centre
- sport game court_type : enum tennis,badminton,squash,padel,volleyball ; Sport
- date day booking_date : date ; Day
- time start_time at : time ; Start
-? hours duration length : int 1 3 ; Hours ; for {} hours
I (book|reserve) a {sport} court on {date} at {time}
N a {sport} court on {date} at {time}
Q is there a {sport} court on {date} at {time}, book it
""",
    "cooking": """
lookup_recipe search_recipes query_recipes fetch_recipe #recipe
= find recipes
: Find a recipe for a dish | Search recipes
-* dish query name recipe : dish ; Dish
-? servings people portions : int 2 10 ; Number of people ; for {} people | , serving {}
-? diet dietary restriction : enum vegan,vegetarian,gluten_free=gluten-free,keto ; Diet ; that is {} | Make it {}
-? max_minutes time_limit : int 15 90 ; Longest time in minutes ; in under {} minutes
I (find|look up|show me) a recipe for {dish}
Q how do I (make|cook) {dish}
N a recipe for {dish}
F {dish} recipe
S I feel like {dish} tonight.

recipes_by_ingredients what_can_i_cook use_up_ingredients
= suggest dishes from ingredients
: Suggest dishes that use given ingredients | What to cook from what is there
- ingredients items available : list ingredient 2 4 ; Ingredients at hand
-? exclude avoid without : list allergen 1 2 ; What must not be in it ; without {}
I suggest something with {ingredients}
Q what can I cook with {ingredients}
S I have {ingredients} in the fridge. Ideas?
S Dinner from {ingredients}?

convert_measure kitchen_convert convert_cooking_units
= convert kitchen measures
: Convert kitchen measures | Convert an amount between cups, grams and so on
- amount quantity value : num 1 12 1 ; Amount
- from_unit source_unit unit : enum cup=cups,tbsp=tablespoons,tsp=teaspoons,oz=ounces ; Unit of the amount
- to_unit target_unit : enum g=grams,ml=millilitres/ml ; Wanted unit
- ingredient food : enum flour,sugar,butter,milk,rice ; Ingredient
I convert {amount} {from_unit} of {ingredient} to {to_unit}
Q how many {to_unit} are {amount} {from_unit} of {ingredient}
F {amount} {from_unit} {ingredient} in {to_unit}

get_nutrition nutrition_facts food_nutrients calories_in
= look up nutrition facts
: Nutrients of a food | Get nutrition facts
-* food item ingredient : ingredient ; Food
-? grams amount weight_g : int 30 500 ; Amount in grams ; per {} grams | for {} g
I look up the nutrition of {food}
Q how (healthy|nutritious) is {food}
Q what nutrients are in {food}
L the nutrition facts of {food}

plan_meals make_meal_plan weekly_menu
= plan meals
: Plan meals for several days | Make a menu
- days num_days : int 2 7 ; Number of days
- people servings household_size : int 1 6 ; How many people eat
-? diet dietary : enum vegan,vegetarian,low_carb=low-carb,halal ; Diet ; , {} only | All {}
-? budget max_cost : money 20 150 ; Budget ; for {} at most
I plan meals for {people} people for {days} days
I make a {days}-day menu for {people} (people|persons)
N a meal plan for {days} days and {people} people
""",
    "dining": """
list_restaurants search_restaurants query_restaurants places_to_eat #places
= find restaurants
: Find restaurants in a place | Search for restaurants by cuisine
- location city area place : us_place ; Where to search
-* cuisine food_type kind : cuisine ; Cuisine
-? price price_level cost : enum cheap=cheap,moderate=mid-priced,expensive=fancy/expensive ; Price level ; , {} ones | Something {}
-? dietary diet options : list enum vegan,vegetarian,halal,kosher,gluten_free=gluten-free 1 2 ; Dietary needs ; with {} options
-? min_rating rating stars : num 3 5 1 ; Lowest rating ; rated {} or better | with at least {} stars
I find {cuisine} restaurants in {location}
Q where can I eat {cuisine} food in {location}
Q are there any good {cuisine} places in {location}
N a {cuisine} restaurant in {location}
F {cuisine} food {location}

book_table reserve_table make_reservation restaurant_booking
= book tables
: Reserve a table | Book a table at a restaurant
- restaurant name place venue : restaurant ; Restaurant
- people party_size guests covers : int 2 12 ; Number of people
- date day on : date ; Date
- time at hour : time ; Time ; at {} | Let's say {}
-? outdoor outside terrace : bool ; Sit outside ; t: outside | t: on the terrace | f: inside
I (book|reserve|get) a table for {people} at {restaurant} on {date} at {time}
N a table for {people} at {restaurant} on {date} at {time}
Q can we get a table for {people} at {restaurant} on {date} at {time}
F table for {people}, {restaurant}, {date}, {time}

order_food place_food_order order_delivery get_takeaway
= order food
: Order dishes for delivery | Place an order at a restaurant
- restaurant from_restaurant place : restaurant ; Restaurant
- dishes items order : list dish 1 3 ; Dishes
-? address deliver_to : address ; Delivery address ; to {} | Deliver to {}
-? tip gratuity : money 1 15 ; Tip ; with a tip of {}
I order {dishes} from {restaurant}
I get us {dishes} from {restaurant}
S I'm hungry. {dishes} from {restaurant}, please.
N {dishes} delivered from {restaurant}
""",
    "git": """
create_branch new_branch git_branch make_branch
= create branches
: Create a branch in a repository | Make a new git branch
- repo repository project : repo ; Repository
-* name branch branch_name new_branch : branch ; Name of the new branch
-? from_branch base source_branch : enum main,develop,master ; Branch to start from ; from {} | based on {}
I (create|make|open) a branch {name} in {repo}
I branch off {name} in {repo}
S I need a branch called {name} on {repo}.

create_issue open_issue file_bug report_issue #ticket
= open issues
: Open an issue in a repository | Report a bug
- repo repository project : repo ; Repository
- title summary headline : bug ; Title
-? labels tags : list enum bug,urgent,ui=UI,backend,docs 1 2 ; Labels ; with the labels {} | labelled {}
-? assignee assign_to owner : person ; Who should do it ; and assign it to {}
I (open|create|file) an issue in {repo}: '{title}'
I report in {repo} that '{title}'
S Bug in {repo}: {title}

merge_pull_request merge_pr accept_pull_request
= merge pull requests
: Merge a pull request | Merge a PR into its base branch
- repo repository project : repo ; Repository
-* number pr_number pull_request id : int 61 999 ; Number of the pull request
-? method strategy merge_method : enum squash=squash,rebase=rebase,merge=merge commit ; How to merge ; with {} | using {}
I merge (PR|pull request|) #{number} in {repo}
Q can you merge {repo} #{number}
S {repo} #{number} looks good, merge it.

list_commits commit_log git_log recent_commits
= list commits
: List the latest commits of a branch | Show a repository's log
- repo repository project : repo ; Repository
- count limit n max_count : int 3 50 ; How many commits
-? branch ref : branch ; Branch ; on {} | of branch {}
-? author by committer : person ; Only by this person ; by {}
I (show|list) the last {count} commits in {repo}
Q what are the last {count} commits in {repo}
L the last {count} commits of {repo}
F git log {repo} -n {count}

commit_changes git_commit save_commit
= commit changes
: Commit all changes | Record the working tree with a message
- message msg commit_message text : commit ; Commit message
-? push push_after : bool ; Push afterwards ; t: and push it | t: then push
-? branch target_branch : branch ; Branch ; on {} | to {}
I commit (everything|my changes|) with the message '{message}'
I commit as '{message}'
F commit: {message}

run_tests execute_tests test_suite start_tests
= run tests
: Run the tests of a project | Execute a test suite
-* path folder test_path target : folder ; Folder of the tests
-? verbose detailed : bool ; Print details ; t: with details | t: in verbose mode
-? keyword filter pattern : word ; Only tests with this word ; matching '{}' | Only those named {}
I run the tests in {path}
Q do the tests in {path} pass
F run tests {path}

deploy_service deploy release_service roll_out #deploy
= deploy services
: Deploy a service | Roll out a version of a service
-* service app application : service ; Service
- environment env target stage : enum staging=staging,production=production/prod,test=test ; Environment
-? version tag release : id v#.#.# ; Version ; in version {} | , version {}
I (deploy|release|roll out) {service} to {environment}
Q can {service} go to {environment}
S {service} is ready for {environment}.
F deploy {service} {environment}

restart_service service_restart reboot_service
= restart services
: Restart a service | Stop and start a running service
-* service name app : service ; Service
-? environment env : enum staging=staging,production=production/prod,test=test ; Environment ; in {} | on {}
I (restart|bounce|reboot) {service}
Q could you restart {service}
S {service} hangs, restart it.

get_logs fetch_logs service_logs tail_logs
= fetch logs
: Get the last lines of a service's log | Fetch logs
-* service app name : service ; Service
- lines limit count : int 20 500 ; Number of lines
-? level severity : enum error=errors,warning=warnings,info=info messages ; Only this level ; but only {} | showing {} only
I (show|get|fetch) the last {lines} log lines of {service}
Q what do the last {lines} lines of the {service} log say
L the last {lines} lines of the {service} log
F tail -n {lines} {service}
""",
    "database": """
query_table select_rows db_select fetch_rows
= query tables
: Select rows of a table | Read columns of a database table
- table table_name from_table : table ; Table
- columns fields select : list column 1 3 ; Columns
-? limit max_rows top : int 5 100 ; Maximum number of rows ; limited to {} rows | , {} rows at most
-? order_by sort_by sort_column : column ; Column to sort by ; ordered by {} | sorted by {}
I (select|get|fetch) {columns} from (the table|) {table}
L the columns {columns} of {table}
Q what are the values of {columns} in {table}
F {columns} from {table}

count_rows row_count table_count number_of_rows
= count rows
: Count the rows of a table | Number of records in a table
-* table table_name : table ; Table
I count the (rows|records) in {table}
Q how many (rows|records|entries) (are there|does the database have) in {table}
L the number of rows in {table}
F count {table}

delete_record remove_row delete_row drop_record
= delete records
: Delete one record by its id | Remove a row from a table
- table table_name : table ; Table
-* id record_id row_id key : int 61 9999 ; Id of the record
I (delete|remove) (record|row) {id} from {table}
I drop the {table} row with id {id}
S Record {id} in {table} is wrong, delete it.

create_index add_index build_index index_column
= create indexes
: Create an index on columns of a table | Add a database index
- table table_name : table ; Table
- columns fields on_columns : list column 1 2 ; Columns
-? unique is_unique : bool ; Forbid duplicates ; t: and make it unique | t: as a unique index
I (create|add|build) an index on {columns} in {table}
I index {columns} of {table}
Q can we have an index on {columns} in {table}

backup_database dump_database export_database db_backup
= back up databases
: Back up a database to a file | Dump a database
-* database db name db_name : service ; Database
- path file output target : path zip json ; File to write
-? compress gzip : bool ; Compress the file ; t: compressed | t: and compress it
I (back up|dump|export) the {database} database to {path}
Q can you save a backup of {database} in {path}
F dump {database} > {path}
""",
    "text": """
count_words number_of_words words_in_text
= count words
: Count the words of a text | Number of words in a string
- text string content input : sentence ; The text
-? unique distinct : bool ; Count each word once ; t: counting each word once
I count the words in '{text}'
Q how many words are in '{text}'
L the number of words in '{text}'

reverse_string reverse_text flip_text
= reverse text
: Reverse a string | Return the text backwards
-* text string input value : word ; Text to reverse
I (reverse|flip) '{text}'
I (write|spell) '{text}' backwards
Q what's '{text}' backwards
L the word '{text}' in reverse

change_case convert_case set_case text_case
= change letter case
: Change the case of a text | Convert a text to upper or lower case
- text string input : sentence ; The text
- case style target_case : enum upper=upper case/capitals,lower=lower case/small letters,title=title case ; Case
I (put|convert|change) '{text}' (in|into|to) {case}
Q can you write '{text}' in {case}
S {text} - in {case}, please.

summarize_text summarise shorten_text make_summary
= summarise texts
: Summarise a document | Shorten a text to a number of sentences
-* path document file source : path txt md pdf ; Document
- sentences max_sentences length : int 1 6 ; Number of sentences
-? language output_language : language ; Language of the summary ; in {}
I (summarise|sum up|shorten) {path} in {sentences} sentences
L a {sentences}-sentence summary of {path}
Q can you boil {path} down to {sentences} sentences

analyze_sentiment sentiment_of detect_mood classify_sentiment
= judge the mood of texts
: Decide whether a text is positive or negative | Sentiment of a text
- text review content input : review ; The text
-? detailed per_sentence : bool ; One verdict for each sentence ; t: sentence by sentence
I (classify|rate|judge) the (sentiment|mood) of '{text}'
Q is this positive or negative: '{text}'
Q what's the sentiment of '{text}'

replace_text find_and_replace substitute_text
= replace text in files
: Replace a word in a file | Find and replace in a document
- path file document : path txt md html py ; File
- old find search pattern : word ; Text to find
- new replacement replace_with : item ; Text to put there
-? ignore_case case_insensitive : bool ; Treat capitals alike ; t: ignoring case
I replace '{old}' (with|by) '{new}' in {path}
I change every '{old}' in {path} to '{new}'
S In {path}, swap '{old}' for '{new}'.

generate_password make_password random_password
= generate passwords
: Generate a random password | Make a strong password
- length characters size : int 8 32 ; Number of characters
-? symbols special_characters use_symbols : bool ; Use special characters ; t: with special characters | f: without symbols
I (generate|make|create) a password of {length} characters
N a {length}-character password
Q can you make me a password with {length} characters

define_word dictionary_lookup word_definition get_definition
= define words
: Look up the meaning of a word | Definition of a word
-* word term query : word ; Word
-? examples include_examples : bool ; Show examples ; t: with examples
I (define|look up|explain) (the word|) '{word}'
Q what does '{word}' mean
L the (meaning|definition) of {word}
F define {word}

find_synonyms thesaurus similar_words get_synonyms
= find synonyms
: Words of similar meaning | Find synonyms of a word
-* word term : word ; Word
-? count limit max_results : int 3 10 ; How many ; , {} of them | Give me {}
I find (synonyms|other words) for '{word}'
Q what's another word for '{word}'
L synonyms of {word}
F synonyms {word}
""",
    "language": """
translate_text translate_sentence translation language_translate #translate
= translate texts
: Translate a text into another language | Translation of a text
- text source_text input phrase : sentence ; Text to translate
-* target_language to_language language target : language ; Language to translate into
-? formal polite formality : bool ; Use polite forms ; t: in polite form | t: formally
I (translate|put) '{text}' (into|to) {target_language}
I say '{text}' in {target_language}
Q how do you say '{text}' in {target_language}
Q what's '{text}' in {target_language}
L the {target_language} for '{text}'
S {target_language} translation of: {text}

detect_language identify_language guess_language which_language
= detect languages
: Detect the language of a text | Identify in which language a text is written
- text input content : sentence ; The text
I (detect|identify|find out) the language of '{text}'
Q which language is '{text}'
Q what language is this: '{text}'

conjugate_verb verb_forms verb_conjugation
= conjugate verbs
: Conjugate a verb | Forms of a verb in a tense
-* verb word infinitive : enum hablar,aller,gehen,mangiare,comer,sein,venir,laufen,partire ; Verb in the infinitive
- tense time_form : enum present=the present,past=the past tense/the past,future=the future ; Tense
I conjugate '{verb}' in {tense}
Q how is '{verb}' conjugated in {tense}
L the forms of {verb} in {tense}
""",
    "news": """
read_news latest_news news_headlines search_news #news
= fetch news
: Latest news on a topic | Get headlines
-* topic subject query about : topic ; Topic
-? count limit max_articles : int 3 15 ; Number of headlines ; , {} headlines | Give me {} of them
-? country region : country ; Country ; from {}
I (get|show me|read me) the (latest|) news (on|about) {topic}
Q what's new in {topic}
Q any news (on|about) {topic}
L the (latest|) headlines about {topic}
F {topic} news

follow_topic subscribe_topic news_alert
= follow news topics
: Follow a topic in the news | Subscribe to a topic
-* topic subject : topic ; Topic
- frequency how_often interval : enum daily=every day/daily,weekly=once a week/weekly,instant=right away/immediately ; How often to notify
I (follow|subscribe to) {topic} and notify me {frequency}
I keep me posted on {topic} {frequency}
S Tell me about {topic} {frequency}.

save_article bookmark_article read_later
= save articles
: Save an article to read later | Bookmark an article
-* url link article_url : url ; Address of the article
-? folder list collection : enum work,science,recipes,travel ; List ; in my {} list | under {}
I (save|bookmark|keep) {url} (for later|)
Q can you put {url} on my reading list
F read later {url}
""",
    "messaging": """
post_to_channel channel_message send_channel_post post_in_channel
= post to channels
: Post a message in a channel | Write to a team channel
-* channel room to_channel : hashtag ; Channel, with its #
- text message content : message ; Message
-? pin pinned : bool ; Pin the message ; t: and pin it
I post '{text}' (in|to) {channel}
I (tell|write to) {channel}: '{text}'
Q can you post '{text}' in {channel}

mute_chat silence_conversation mute_conversation
= mute chats
: Mute a chat for some time | Stop notifications of a chat
-* chat conversation contact : person ; Person
- duration how_long mute_for : duration ; How long, as said
I mute (the chat with|) {chat} for {duration}
S {chat} writes too much. Silence them for {duration}.
F mute {chat} {duration}

create_group_chat new_group make_group start_group
= create group chats
: Create a chat with several people | Make a new group
- name title group_name : title ; Name of the group
- members people participants : list person 2 4 ; Members
I (create|start|make) a group '{name}' with {members}
I put {members} in a group called {name}
S New group chat: {name}, with {members}.

publish_post social_post create_post share_post
= publish posts
: Publish a post | Post a text on a social network
- text content caption body : post ; Text
-* platform network site : enum instagram=Instagram,facebook=Facebook,linkedin=LinkedIn,mastodon=Mastodon ; Network
-? schedule publish_at date : date ; Day to publish ; on {}
I (post|publish) '{text}' on {platform}
I put '{text}' on our {platform}
S {platform} post: {text}
""",
    "phone": """
call_contact make_call phone_call dial
= make calls
: Call a person | Start a phone call
-* contact name person to : contact ; Whom to call
-? speaker on_speaker speakerphone : bool ; Use the loudspeaker ; t: on speaker
I (call|ring|phone|dial) {contact}
Q can you get {contact} on the phone
S I need to talk to {contact}, call them.
F call {contact}

add_contact save_contact create_contact new_contact
= save contacts
: Save a contact | Add a person to the address book
- name full_name person : full ; Name
- phone number phone_number tel : phone ; Phone number
-? email mail e_mail : email ; E-mail address ; and the email {} | Email: {}
I (save|add) {name} with the number {phone}
I add {phone} as {name} (to my contacts|)
S {name}'s number is {phone}. Save it.

find_contact lookup_contact search_contacts contact_details
= look up contacts
: Look up a contact | Find somebody's phone number or address
-* name person query : full ; Name
I (look up|find) (the number of|) {name} in my contacts
Q what's {name}'s (phone number|number|address)
L the contact details of {name}

set_phone_mode change_ringer ringer_mode set_sound_profile
= change the ringer
: Change the ringer's mode | Set the phone to silent or loud
- mode profile state : enum silent=silent,vibrate=vibrate,loud=loud ; Mode
-? duration for_how_long : duration ; How long, as said ; for {}
I (put|set) my phone (on|to) {mode}
I switch the ringer to {mode}
F phone {mode}
""",
    "photos": """
resize_image scale_image image_resize change_image_size
= resize images
: Resize an image | Change width and height of a picture
-* path image file image_path : path jpg png ; Image
- width w new_width : int 100 3000 ; Width in pixels
- height h new_height : int 100 3000 ; Height in pixels
-? keep_ratio preserve_aspect lock_ratio : bool ; Keep the proportions ; t: keeping the proportions | f: ignoring the proportions
I (resize|scale) {path} to {width} x {height}
I make {path} {width} by {height} pixels
Q can {path} be {width}x{height}

convert_image image_format change_format convert_picture
= convert images
: Convert an image to another format | Change the format of a picture
-* path image file : path jpg png ; Image
- format target_format to_format : enum webp=WebP,gif=GIF,bmp=BMP,tiff=TIFF ; Format
-? quality q : int 40 100 ; Quality ; with quality {} | at quality {}
I (convert|turn) {path} (to|into) {format}
Q can I have {path} as {format}
F {path} to {format}

rotate_image turn_picture rotate_photo
= rotate images
: Rotate an image | Turn a picture by an angle
-* path image photo file : path jpg png ; Image
- angle degrees rotation : int 5 350 ; Angle in degrees
I (rotate|turn) {path} by {angle} degrees
S {path} is crooked. Rotate it {angle} degrees.
F rotate {path} {angle}

create_album new_album make_album photo_album
= create albums
: Create a photo album | Make an album
- name title album_name : title ; Name
-? year taken_in : int 2005 2025 ; Only photos of this year ; with photos from {} | of {}
-? shared public : bool ; Let others see it ; t: and share it | f: and keep it private
I (create|make|start) (a photo|an) album (called|named) '{name}'
N a photo album '{name}'
F new album {name}

search_photos find_photos photo_search
= search photos
: Search photos by what they show | Find pictures
-* query subject content : enum dogs,beach,birthday,mountains,snow,sunset,kids,flowers,boats ; What the photos show
-? place location city : city ; Where they were taken ; from {} | taken in {}
-? year taken_in : int 2005 2025 ; Year ; from {} | taken in {}
I (find|show me|search for) (photos|pictures) of {query}
Q do I have pictures of {query}
L my photos of {query}
""",
    "pets": """
log_feeding record_feeding pet_fed feed_log
= log feedings
: Record that a pet was fed | Add a feeding to the log
-* pet name animal : pet ; Name of the pet
- grams amount food_grams : int 20 400 ; Grams of food
-? time fed_at at : time ; Time ; at {}
I log {grams} grams of food for {pet}
I note that {pet} got {grams} g
S {pet} just ate {grams} grams.

book_vet vet_appointment schedule_vet
= book vets
: Book a visit to the vet | Make a vet's appointment
-* pet animal pet_name : pet ; Name of the pet
- date day visit_date : date ; Day
-? reason purpose : enum vaccination=vaccination/a vaccination,checkup=a check-up,injury=an injury,dental=dental care ; Purpose ; for {}
I book the vet for {pet} on {date}
Q can {pet} see the vet on {date}
N a vet's appointment for {pet} on {date}

register_pet add_pet new_pet_profile
= register pets
: Register a pet | Add a profile of an animal
- name pet_name : pet ; Name
- breed kind race : breed ; Breed
-? age years age_years : int 1 15 ; Age in years ; , {} years old | aged {}
-? chip chip_number microchip : id ######### ; Number of the chip ; with chip {}
I (register|add) {name}, a {breed}
I make a profile for my {breed} {name}
S My new {breed} is called {name}. Register the pet.

find_dog_walker search_pet_sitter hire_walker
= find dog walkers
: Find a dog walker | Search for somebody to walk a dog
- city location area : city ; City
- day date when : day ; Day, as said
-? minutes length walk_minutes : int 20 120 ; Length of the walk ; for {} minutes
I find a dog walker in {city} {day}
Q who can walk my dog in {city} {day}
N a dog walker in {city} {day}
""",
    "garden": """
water_plants start_irrigation run_sprinkler irrigate
= water the garden
: Water a part of the garden | Run the irrigation
-* zone area part : enum lawn,roses=rose bed,vegetables=vegetable patch/vegetables,greenhouse,balcony ; Part of the garden
- minutes duration runtime : int 3 60 ; Minutes
I water the {zone} for {minutes} minutes
I run the sprinkler on the {zone} for {minutes} minutes
S The {zone} is dry. Give it {minutes} minutes of water.

plant_care care_guide plant_info how_to_care
= explain plant care
: Care instructions for a plant | How to look after a plant
-* plant species name : plant ; Plant
-? season time_of_year : enum spring,summer,autumn,winter ; Season ; in {}
I (explain|tell me|look up) how to care for my {plant}
Q how do I look after my {plant}
L care instructions for {plant}
F {plant} care

log_planting record_planting add_plant_to_garden
= log plantings
: Record what was planted | Add a planting to the garden diary
-* plant crop species : plant ; Plant
- count number quantity : int 1 40 ; How many
-? bed location spot : enum north=north,south=south,terrace=terrace,raised=raised ; Bed ; in the {} bed
-? date planted_on day : date ; Day ; on {}
I log that I planted {count} {plant}
I add {count} {plant} to the garden diary
S I planted {count} {plant}.

diagnose_plant plant_doctor plant_problem
= diagnose plants
: Find out what is wrong with a plant | Diagnose a sick plant
- plant species name : plant ; Plant
- symptom sign problem : enum yellow_leaves=yellow leaves,brown_spots=brown spots,wilting=drooping leaves/wilting,mould=mould/white mould,holes=holes in the leaves ; What is seen
I find out why my {plant} has {symptom}
Q what's wrong with my {plant}, it has {symptom}
S My {plant} has {symptom}.
""",
    "logistics": """
create_shipment book_shipment new_shipment prepare_shipment
= create shipments
: Create a shipment from one person to another | Prepare a parcel for sending
- sender from_person : object ; Who sends it
-- name : full ; Name
-- city : city ; City
- receiver to_person recipient : object ; Who gets it
-- name : full ; Name
-- city : city ; City
-? weight_kg weight : num 1 30 1 ; Weight in kg ; weighing {} kg | It weighs {} kg
-? insured with_insurance : bool ; Insure the parcel ; t: with insurance | f: without insurance
I create a shipment from {sender.name} in {sender.city} to {receiver.name} in {receiver.city}
I send a parcel from {sender.name}, {sender.city}, to {receiver.name}, {receiver.city}
S {sender.name} from {sender.city} sends a parcel to {receiver.name} in {receiver.city}.

track_parcel track_package parcel_status shipment_tracking
= track parcels
: Track a parcel | Find out where a package is
-* tracking_number parcel_id tracking_id code : id @@########@@ ; Tracking number
-? carrier courier company : enum dhl=DHL,ups=UPS,fedex=FedEx,dpd=DPD ; Carrier ; with {} | sent by {}
I track (parcel|package|) {tracking_number}
Q where is (my parcel|my package|) {tracking_number}
L the status of parcel {tracking_number}
F parcel {tracking_number}

get_shipping_rate shipping_cost quote_shipping postage
= quote shipping
: Price of sending a parcel | Get a shipping quote
- weight_kg weight kg : num 1 30 1 ; Weight in kg
- from_country origin sender_country : country ; Country of the sender
- to_country destination receiver_country : country ; Country of the receiver
-? express fast priority : bool ; Send it express ; t: by express | t: as fast as possible
I (quote|work out) shipping {weight_kg} kg from {from_country} to {to_country}
Q how much is it to send {weight_kg} kg from {from_country} to {to_country}
L the postage for {weight_kg} kg from {from_country} to {to_country}

schedule_pickup book_pickup request_pickup courier_pickup
= schedule pickups
: Ask a courier to fetch parcels | Schedule a pickup
- address location from_address : address ; Where to fetch them
- date day pickup_date : date ; Day
- parcels packages count : int 1 20 ; Number of parcels ; for {} parcels | There are {} parcels
I schedule a pickup of {parcels} parcels at {address} on {date}
Q can somebody fetch {parcels} parcels at {address} on {date}
N a courier at {address} on {date}

check_stock stock_level inventory_check units_left
= check stock
: Stock of an item in a warehouse | How many units are left
-* sku item_id product_id : id SKU-#### ; Item
-? warehouse location site : city ; Warehouse ; in the {} warehouse | in {}
I check the stock of {sku}
Q how many {sku} (are left|do we have)
L the stock of {sku}
F stock {sku}

reorder_item restock order_stock purchase_stock
= reorder stock
: Order more of an item | Restock an item
-* sku item_id product : id SKU-#### ; Item
- quantity units amount : int 10 900 ; How many
-? supplier vendor from_supplier : company ; Supplier ; from {}
I (order|reorder|buy) {quantity} (more|) of {sku}
S We're low on {sku}, order {quantity}.
F restock {sku} {quantity}
""",
    "work": """
request_leave book_vacation time_off_request apply_for_leave
= request leave
: Request days off | Apply for leave
- start_date from_date first_day : date ; First day
- end_date to_date last_day : date ; Last day
-? kind leave_type type : enum vacation=holiday/vacation,sick=sick leave,parental=parental leave,unpaid=unpaid leave ; Kind of leave ; as {} | It's {}
I (request|book|apply for) leave from {start_date} to {end_date}
Q can I take {start_date} to {end_date} off
S I'd like to be off from {start_date} until {end_date}.

log_hours track_time add_timesheet_entry record_hours
= log working hours
: Add hours to the timesheet | Record time spent on a project
- hours time amount : num 1 10 1 ; Hours
- project task job : repo ; Project
-? date day work_date : date ; Day ; on {} | for {}
-? note comment description : title ; What was done ; with the note '{}'
I (log|add|book) {hours} hours (on|to|for) {project}
S I worked {hours} hours on {project}.
F {hours} h {project}

search_candidates find_applicants candidate_search
= search candidates
: Search people who apply for jobs | Find candidates by skill
- role position job_title : role ; Position
- skills required_skills abilities : list skill 1 3 ; Skills
-? min_years experience years_experience : int 2 15 ; Years of experience ; with at least {} years of experience
-? location city : city ; Where they live ; in {}
I (find|search for) a {role} who knows {skills}
N a {role} with {skills}
Q do we have a {role} with {skills}

add_employee create_employee hire_employee new_staff_member
= add employees
: Add an employee | Create a record of a new member of staff
- name full_name employee_name : full ; Name
- department team unit : department ; Department
- role position job_title : role ; Position
-? start_date first_day joined : date ; First day ; starting {} | from {}
-? salary pay annual_salary : money 24000 120000 ; Salary a year ; at {} a year | Salary: {}
I add {name} to {department} as {role}
I create a record for {name}, {role} in {department}
S {name} joins {department} as a {role}.

submit_expense file_expense claim_expense expense_report
= submit expenses
: Submit an expense | Claim money that was spent for work
- amount cost total : money 5 800 ; Amount
- category kind expense_type : enum travel=travel,meals=meals/food,hotel=a hotel,supplies=office supplies,software=software ; Kind of expense
-? date spent_on day : date ; Day ; on {} | dated {}
-? note description : title ; Note ; with the note '{}'
I (submit|claim|file) {amount} for {category}
I expense {amount} for {category}
S I spent {amount} on {category}, claim it back.

book_meeting_room reserve_room_for_meeting room_booking
= book meeting rooms
: Book a meeting room | Reserve a room in the office
- room room_name which : enum amber=Amber,birch=Birch,cedar=Cedar,delta=Delta ; Room
- date day : date ; Day
- start start_time from_time : time ; Start
- end end_time until_time : time ; End
I book (room|) {room} on {date} from {start} to {end}
Q is {room} free on {date} from {start} to {end}, book it
N room {room} on {date}, {start} to {end}
""",
    "school": """
get_grades student_grades show_marks grade_report
= show grades
: Grades of a student | Get the marks of a pupil
-* student name pupil student_name : full ; Student
-? subject course class_name : subject ; Subject ; in {}
-? term semester : enum autumn,spring,summer ; Term ; for the {} term
I (show|get) {student}'s (grades|marks)
Q what are {student}'s marks
L the grades of {student}

enroll_course register_course sign_up_for_class join_course
= enrol in courses
: Enrol a student in a course | Sign up for a course
- student name student_name : full ; Student
-* course class_name course_name : course ; Course
-? semester term : enum fall=autumn,spring,summer ; Semester ; for the {} semester | in {}
I (enrol|register|sign up) {student} (for|in) {course}
Q can {student} join {course}
S {student} wants to take {course}. Sign them up.

create_quiz make_quiz generate_quiz new_test
= make quizzes
: Make a quiz | Generate questions on a subject
-* subject topic theme : subject ; Subject
- questions count number_of_questions : int 3 30 ; Number of questions
-? difficulty level : enum easy=easy,medium=medium,hard=hard/difficult ; Level ; , {} ones | at {} level
-? multiple_choice choices : bool ; With answers to choose from ; t: with multiple choice
I (make|create|generate) {questions} quiz questions (on|about) {subject}
N a quiz on {subject} with {questions} questions
Q can you test me on {subject} with {questions} questions

submit_assignment hand_in_homework upload_assignment turn_in_work
= hand in homework
: Hand in a piece of homework | Submit a file for a course
- course class_name subject : course ; Course
-* path file document : path pdf docx zip ; File
-? comment note : message ; Words for the teacher ; with the comment '{}'
I (submit|hand in|upload) {path} for {course}
S {path} is my homework for {course}, hand it in.
F submit {path} {course}

find_tutor search_tutor tutor_search
= find tutors
: Find a tutor | Search for a teacher of a subject
-* subject topic : subject ; Subject
- city location : city ; City
-? max_rate hourly_rate price_limit : money 10 80 ; Highest price an hour ; for {} an hour at most
-? online remote : bool ; Lessons over the internet ; t: online | f: in person
I find a {subject} tutor in {city}
Q who teaches {subject} in {city}
N a {subject} tutor in {city}
""",
    "law": """
search_cases find_cases case_search court_cases
= search court cases
: Search court cases | Find cases by topic
-* topic subject query matter : crime ; Topic
-? year decided_in : int 1980 2025 ; Year ; from {} | decided in {}
-? court jurisdiction : enum supreme=the supreme court,appeal=the court of appeal,district=a district court ; Court ; at {} | before {}
I (find|search) cases (on|about) {topic}
Q which cases deal with {topic}
L court cases about {topic}

find_lawyer search_attorney lawyer_lookup
= find lawyers
: Find a lawyer | Search for an attorney by field
- specialty field area_of_law : enum family=family law,tax=tax law,employment=employment law,criminal=criminal law,immigration=immigration ; Field
-* city location place : us_place ; Place
-? free_consultation first_meeting_free : bool ; First meeting free of charge ; t: with a free first meeting
I find a lawyer for {specialty} in {city}
Q who does {specialty} in {city}
N a lawyer for {specialty} in {city}

draft_contract create_contract write_agreement
= draft contracts
: Draft a contract between two parties | Create an agreement
- kind contract_type type : enum nda=confidentiality/non-disclosure,lease=lease/rental,sale=sale/sales,employment=employment ; Kind of contract
- parties between signers : list company 2 2 ; The parties
-? months term duration_months : int 3 36 ; Term in months ; for {} months | running {} months
I (draft|write|prepare) a {kind} contract between {parties}
N a {kind} contract between {parties}
S {parties} need a {kind} contract.
""",
    "hotel": """
search_hotels find_hotels hotel_search
= search hotels
: Search hotels in a city | Find a place to stay
-* city location destination : city ; City
- check_in arrival from_date start_date : date ; Day of arrival
- nights stay length num_nights : int 1 14 ; Number of nights
-? guests people adults : int 2 6 ; Number of guests ; for {} people | , {} of us
-? amenities features : list amenity 1 3 ; What it must have ; with {}
-? max_price price_limit : money 60 300 ; Highest price a night ; under {} a night
I find a hotel in {city} for {nights} nights from {check_in}
Q which hotels in {city} have rooms from {check_in} for {nights} nights
N a hotel in {city}, {nights} nights from {check_in}

book_hotel_room reserve_hotel reserve_room hotel_reservation
= book hotel rooms
: Book a room at a hotel | Reserve a hotel room
- hotel hotel_name name : hotel ; Hotel
- check_in arrival from_date : date ; Day of arrival
- check_out departure to_date : date ; Day of departure
- guest guest_name booked_for : full ; Name of the guest ; for {} | in the name of {}
-? room_type room kind : enum single=single room,double=double room,suite=suite ; Kind of room ; , a {} | Make it a {}
I (book|reserve) a room at {hotel} from {check_in} to {check_out}
N a room at {hotel} from {check_in} to {check_out}
Q could you reserve {hotel} from {check_in} to {check_out}

cancel_booking cancel_reservation drop_booking
= cancel bookings
: Cancel a booking | Cancel a reservation by its code
-* booking_id reservation_id confirmation_code : id BK-#### ; Code of the booking
I (cancel|drop) (booking|reservation|) {booking_id}
Q can I cancel {booking_id}
S We won't come. Cancel {booking_id}.

request_room_service room_service hotel_service
= call room service
: Order something to a hotel room | Call room service
- room room_number : int 100 999 ; Room
- items order request : list enum towels,coffee,a_pillow=a pillow,ice,breakfast,tea 1 3 ; What to bring
-? time at deliver_at : time ; Time ; at {}
I (bring|send) {items} to room {room}
Q can room {room} have {items}
S {items} for room {room}, please.
""",
    "car": """
find_charging_station charging_stations ev_charger_search #places
= find charging stations
: Find charging stations | Where to charge an electric car
-* location near city : city ; Where to search
-? plug connector plug_type : enum ccs=CCS,type2=Type 2,chademo=CHAdeMO ; Plug ; with {} | with a {} plug
-? min_kw power : int 22 300 ; Lowest power in kW ; with at least {} kW
I find a charging station in {location}
Q where can I charge my car in {location}
N a charger in {location}

book_car_service schedule_maintenance garage_appointment
= book car services
: Book a service at the garage | Schedule maintenance of a car
- car vehicle model : car ; Car
- service work job : enum oil_change=an oil change,tyres=new tyres/a tyre change,brakes=a brake check,inspection=an inspection ; What to do
- date day : date ; Day
I book {service} for my {car} on {date}
Q can my {car} get {service} on {date}
S My {car} needs {service}. {date} suits me.

estimate_car_value car_price value_my_car
= estimate car values
: Estimate what a used car is worth | Value of a car
- model car vehicle : car ; Model
- year built_in model_year : int 2004 2024 ; Year of make
- mileage km kilometres odometer : int 5000 220000 ; Kilometres driven
-? condition state : enum good=good,fair=fair,poor=poor/bad ; Condition ; in {} condition
I estimate (the value of|) a {year} {model} with {mileage} km
Q how much is a {year} {model} with {mileage} km worth
L the value of a {year} {model} with {mileage} km

unlock_car open_car car_unlock
= unlock cars
: Unlock a car | Open the doors of the car
-* plate license_plate car_id : id @@-###-@@ ; Plate
-? trunk_only only_boot : bool ; Only the boot ; t: , just the boot
I (unlock|open) (the car|car|) {plate}
Q can you unlock {plate}
S I'm standing at {plate}, let me in.

log_fuel record_refuel add_fuel_entry
= log refuelling
: Record that the car was refuelled | Add fuel to the log
- litres liters amount : num 10 70 1 ; Litres
- price cost total_price : money 15 120 ; Price in all
-? odometer mileage km : int 5000 220000 ; Kilometres on the clock ; at {} km
I log {litres} litres for {price}
S I filled up {litres} litres for {price}.
F {litres} l, {price}, fuel
""",
    "cinema": """
get_showtimes movie_times cinema_program film_showings
= look up film times
: Showtimes of a film in a city | When a film is shown
-* film movie title : film ; Film
- city location : city ; City
-? day date : day ; Day, as said ; {}
I look up showtimes (of|for) {film} in {city}
Q when is {film} (shown|on) in {city}
L the showtimes of {film} in {city}
F {film} {city} cinema

recommend_movies suggest_films film_suggestions
= recommend films
: Suggest films of a genre | Recommend movies
-* genre kind : genre_film ; Genre
-? year released_in from_year : int 1970 2024 ; Year ; from {} | released in {}
-? min_rating lowest_rating : num 5 9 1 ; Lowest rating ; rated above {} | with a rating of at least {}
-? kids_friendly for_children : bool ; Fit for children ; t: that children can watch | t: for kids
I (recommend|suggest) a {genre} (film|movie)
Q which {genre} (film|movie) should I watch
N a good {genre} (film|movie)
F {genre} film

buy_cinema_tickets book_movie_tickets reserve_seats
= buy cinema tickets
: Buy tickets for a film | Reserve seats in the cinema
- film movie title : film ; Film
- seats tickets count : int 1 8 ; Number of seats
- date day show_date : date ; Day ; on {}
-? row seat_row : enum front=front,middle=middle,back=back ; Row ; in the {} row
I (buy|book|get) {seats} tickets for {film} on {date}
N {seats} tickets for {film} on {date}
Q can we get {seats} seats for {film} on {date}

play_video watch_video stream_movie start_film #play
= play films
: Play a film | Start a video on a device
-* title film video name : film ; Title
- device screen on_device : device ; Where to play it
-? subtitles subtitle_language : language ; Language of subtitles ; with {} subtitles
I (play|stream|show) {title} on {device}
I start '{title}' on {device}
S We want to watch {title} on {device}.
""",
    "books": """
look_up_books find_book library_search book_lookup
= search books
: Search books | Find a book in the library
-* query title keyword : book ; Title or keyword
-? author written_by : author ; Author ; by {}
-? available only_available in_library : bool ; Only books that are in ; t: that I can borrow now
I (find|search for|look for) the book {query}
Q do you have {query}
L the book '{query}'
F {query}, book

borrow_book request_book loan_book put_on_hold
= borrow books
: Borrow a book | Reserve a book for a member
-* title book book_title : book ; Title
- member_id card_number member : id M-##### ; Member's number ; for member {} | My number is {}
-? weeks loan_weeks : int 2 6 ; Weeks ; for {} weeks
I (borrow|reserve) {title} for member {member_id}
I put {title} on hold for {member_id}
S My library card is {member_id} and I want {title}.

renew_loan extend_loan renew_book
= renew loans
: Renew a loan | Keep a book for longer
-* title book : book ; Title
-? days extra_days : int 7 28 ; Days to add ; for {} more days | by {} days
I (renew|extend) (my loan of|) {title}
Q can I keep {title} (for longer|a bit longer)
S I haven't finished {title} yet, renew it.

recommend_book suggest_book what_to_read
= recommend books
: Recommend a book like another | Suggest what to read next
-* liked similar_to based_on : book ; A book that the reader liked
-? max_pages page_limit : int 100 600 ; Most pages ; with at most {} pages | under {} pages
I (recommend|suggest) something like {liked}
Q what should I read after {liked}
S I loved {liked}. What next?
""",
    "support": """
create_ticket open_ticket new_support_ticket raise_ticket #ticket
= open support tickets
: Open a support ticket | Report a problem to the support team
- subject title problem : bug ; What is wrong
- priority urgency severity : enum low=low,normal=normal,urgent=urgent/high ; Priority
-? customer customer_email reporter : email ; Customer ; for {} | The customer is {}
I (open|create|raise) a ticket '{subject}' with {priority} priority
I log the problem '{subject}' as {priority}
S {priority} ticket: {subject}

add_customer create_customer register_customer new_client
= add customers
: Add a customer to the database | Register a new client
- customer client person : object ; The customer
-- name : full ; Full name
-- email : email ; E-mail address
-? plan tier subscription : enum free=free,pro=pro,business=business ; Plan ; on the {} plan | They chose the {} plan
I add {customer.name} with the address {customer.email} as a customer
I register the customer {customer.name}, {customer.email}
S New customer: {customer.name}, {customer.email}
S {customer.name} ({customer.email}) is a customer now. Add them.

close_ticket resolve_ticket finish_ticket
= close tickets
: Close a ticket | Mark a ticket as resolved
-* ticket_id id ticket number : id T-#### ; Number of the ticket
-? note resolution comment : message ; Note ; with the note '{}'
I (close|resolve) (ticket|) {ticket_id}
S {ticket_id} is solved, close it.
F close {ticket_id}

assign_ticket give_ticket_to set_ticket_owner
= assign tickets
: Assign a ticket to a person | Set who works on a ticket
-* ticket_id id ticket : id T-#### ; Number of the ticket
- agent assignee person owner : person ; Who works on it
I (assign|give|hand) (ticket|) {ticket_id} to {agent}
I let {agent} take {ticket_id}
Q can {agent} do {ticket_id}

list_tickets open_tickets ticket_queue
= list tickets
: List tickets by status | Show the queue of tickets
- status state : enum open=open,pending=pending/waiting,closed=closed ; Status
-? agent assignee owner : person ; Only of this person ; of {} | assigned to {}
-? limit max_results : int 5 50 ; How many ; , {} at most
I (list|show) all {status} tickets
Q which tickets are {status}
L the {status} tickets
""",
    "housing": """
search_homes find_property property_search apartment_search
= search homes
: Search flats and houses | Find a home to rent or buy
-* city location area : city ; City
- offer deal listing_type : enum rent=to rent,buy=to buy/for sale ; To rent or to buy
-? bedrooms rooms min_bedrooms : int 1 5 ; Bedrooms ; with {} bedrooms
-? max_price price_limit : money 500 4000 ; Highest price ; for less than {} | up to {}
-? pets pets_allowed : bool ; Pets allowed ; t: where pets are allowed
I find (flats|apartments) {offer} in {city}
Q are there any (homes|flats) {offer} in {city}
N a flat {offer} in {city}

schedule_viewing book_viewing visit_property
= schedule viewings
: Arrange a visit to a home | Book a viewing
-* listing_id property_id id : id H#### ; Number of the listing
- date day : date ; Day
- time at : time ; Time ; at {}
I (schedule|book|arrange) a viewing of {listing_id} on {date} at {time}
Q can I see {listing_id} on {date} at {time}
N a viewing of {listing_id} on {date} at {time}

report_repair maintenance_request report_damage
= report repairs
: Report damage in a flat | Ask the landlord for a repair
- problem issue damage : enum leak=a leak/a dripping pipe,heating=broken heating/cold radiators,power=no power,window=a broken window,lock=a broken lock ; What is broken
- flat apartment unit : int 1 90 ; Number of the flat
-? urgent emergency : bool ; It cannot wait ; t: and it's urgent | t: , it can't wait
I report {problem} in flat {flat}
S Flat {flat} has {problem}.
S There's {problem} in flat {flat}
""",
    "events": """
find_events search_events whats_on local_events #concerts
= find local events
: Find events in a city | What is on in a place
-* city location place : city ; City
- kind category event_type : enum concert=concerts,exhibition=exhibitions,festival=festivals,market=markets,comedy=comedy shows ; Kind of event
-? day date when : day ; Day, as said ; {}
-? free free_only no_fee : bool ; Only events without a fee ; t: that cost nothing | t: for free
I (find|look for) {kind} in {city}
Q are there any {kind} in {city}
L {kind} in {city}
F {kind} {city}

rsvp_event reply_invitation answer_invite
= answer invitations
: Answer an invitation | Say whether one comes
-* event_id invitation id : id evt_#### ; Invitation
- answer response reply : enum yes=yes,no=no,maybe=maybe ; Answer
-? guests plus extra_guests : int 1 4 ; People who come too ; and bring {} guests | with {} more people
I (answer|reply) {answer} to (invitation|) {event_id}
S My answer to {event_id} is {answer}.
F {event_id}: {answer}

send_invitations invite_guests invite_people
= send invitations
: Invite people to an event | Send invitations
- event title occasion : title ; Event
- guests people invitees : list email 1 3 ; Addresses
-? message note text : message ; Words to add ; with the message '{}'
I invite {guests} to '{event}'
I send invitations for {event} to {guests}
S {guests} should come to '{event}'. Invite them.
""",
    "web": """
shorten_url short_link make_short_url
= shorten links
: Make a short link | Shorten a web address
-* url link long_url : url ; Address
-? alias custom_name slug : word ; Wanted name ; as '{}' | with the name '{}'
I shorten {url}
N a short link for {url}
Q can you make {url} shorter

take_screenshot capture_page screenshot_url
= take screenshots
: Take a picture of a web page | Screenshot of a page
-* url page address : url ; Page
-? full_page whole_page : bool ; The whole page ; t: of the whole page | f: of the visible part
-? width viewport_width : int 320 1920 ; Width in pixels ; {} pixels wide
I take a screenshot of {url}
Q can I have a picture of {url}
F screenshot {url}

check_website site_status is_site_up ping_site
= check websites
: Check whether a web page answers | Status of a website
-* url site address : url ; Address
-? timeout seconds timeout_seconds : int 2 30 ; Seconds to wait ; with a timeout of {} seconds
I check whether {url} (works|is up)
Q is {url} (down|up|reachable)
F status of {url}

download_file fetch_file save_from_url
= download files
: Download a file | Save what is at an address
- url link source : url ; Address
- path destination save_as : path ; Where to save it
-? overwrite replace : bool ; Replace an old file ; t: and overwrite the old one
I download {url} (to|as) {path}
I save {url} under {path}
F wget {url} -O {path}
""",
}
