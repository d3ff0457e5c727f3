# What people read: answers to senders (one line, sent as ASCII) and words in headers.
# The same messages with the same variables stand in each language; a test compares them.

# Between a name and a list: "Ayse Yilmaz via Klasse 5b".
from-via = via
hidden-author = A member

# Below each mail of a list with footer = "standard". A line whose link is not configured is left out.
footer-why = You get this mail because you are on the list “{ $description }” ({ $address }).
footer-leave = Questions or unsubscribing: { $owner }
footer-settings = Settings: { $settings }
footer-imprint = Imprint: { $imprint }
footer-privacy = Privacy: { $privacy }

# In a copy, instead of an attachment or a picture that was left out.
attachment-unnamed = without a name
attachment-kind = Attachment left out: { $name } ({ $size }). The list “{ $list }” does not take files of this kind.
attachment-size = Attachment left out: { $name } ({ $size }). The list “{ $list }” takes attachments of at most { $limit }.
attachment-ask = If you need it, please ask the author or { $owner }.
pictures-removed = Pictures left out, since this list sends plain text: { $count }

refused-loop = This mail has already been through the list { $list }, so it is not sent again.
refused-hops = This mail has passed { $count } mail servers. It seems to run in circles; please tell your mail provider.
refused-header-too-big = The header of your mail is too large. Please write a new mail with fewer recipients.
refused-twice = Your mail has the field { $field } more than once. Please send it again from another mail program.
refused-no-author = Your mail does not say who it is from. Please set a valid sender address in your mail program.
refused-several-authors = Your mail names more than one author. Please send it with only one From address.
refused-line-ends = Your mail has invalid line ends or characters in its header. Please send it again from another mail program.
refused-too-big = Your mail is too large: { $size }, and { $list } takes at most { $limit }. Please send large files as a link.
refused-expired = The list { $list } is closed and takes no more mail. Please write to { $owner } if you need help.
refused-unverified = We cannot check that this mail really comes from you. Please write from the mail program or web page of your mail provider, or ask { $owner } for help.
refused-other-login = The login and the sender address of your mail do not belong to the same person. Please choose your own address as the sender.
refused-forbidden = Your mail's sender domain tells us to refuse mail it has not sent itself. Please send through your own mail provider.
refused-not-allowed-members = Only members of { $list } may write to it. Please write from the address that the school knows, or to { $owner }.
refused-not-allowed-people = Only people of the school may write to { $list }. Please write from the address that the school knows, or to { $owner }.
refused-not-allowed-owners = Only the owners of { $list } may write to it. Please write to { $owner }.
refused-not-allowed-these = Only these may write to { $list }: { $who }. Please write from the address that the school knows, or to { $owner }.
who-members = its members
who-people = people of the school
who-owners = its owners
who-moderators = its moderators
refused-not-allowed-some = Only certain people may write to { $list }. Please write to { $owner }.
refused-not-yet = { $list } is set to be moderated ({ $setting }), which is not available yet. Please write to { $owner }.
refused-unknown = There is no list { $address }. Please check the address.
refused-signed-long-line = Your mail is signed or encrypted and has a line that is too long to be sent on. Please send it without the signature, or as an attachment.
refused-address-shown = { $list } hides the addresses of its authors, and yours stands in the field { $field } of your mail. Please take it out there and send the mail again.
refused-attachment-signed = Your mail is signed or encrypted and has the attachment { $name }, which { $list } does not take. Please send it without that attachment.
refused-too-many = You have sent many mails to { $list } in a short time. Please wait an hour.
refused-virus = Your mail contains a virus ({ $virus }) and is not sent on. Please check your computer before you write again.
refused-virus-unnamed = Your mail contains a virus and is not sent on. Please check your computer before you write again.
refused-spam = Our filter takes your mail for spam, so it is not sent on to { $list }. Please write it anew in your own words and without links.
refused-suspect = Our filter suspects spam in your mail, so it is not sent on to { $list }. Please write it anew in your own words and without links, or ask the school by another way.
refused-filter = Our mail filter does not let your mail through to { $list }. Please ask the school by another way.
refused-help-unverified = We cannot check that this mail really comes from you, so { $list } sends you no help text. To reach people, write to { $owner }.
refused-help-enough = The help text of { $list } is on its way to you already and does not come again today. To reach people, write to { $owner }.
refused-structure = Your mail is put together in a way that we cannot send on. Please write it anew, or use another mail program.
refused-unsendable = Your mail is signed or encrypted in a form that cannot be sent on unchanged. Please send it without the signature.

# To the admins of a domain: mail waits because the directory can't be trusted. Subjects in ASCII.
alarm-subject-shrunk = [Verteiler] Mail waits: many members are suddenly gone from lists
alarm-subject-silent = [Verteiler] Mail waits: the directory gives no proper answer
alarm-subject-resolved = [Verteiler] Mail goes out again
alarm-intro = Verteiler on { $host } holds mail back. None is lost: what was accepted already waits here; new mail waits at the server before us and comes again by itself.
alarm-silent = The LDAP directory has given no answer that can be used since { $since }, so mail to all lists waits. The last error: { $error }
alarm-shrunk = The directory suddenly names far fewer members than before. Mail to these lists waits, other lists go on:
alarm-list = { $list }: { $now } instead of { $accepted }
alarm-everybody = all lists: the directory names { $now } people instead of { $accepted }
alarm-more = and { $more } more
alarm-what = Look on { $host } who went and who came, and accept it where it is right. Where it is wrong, mend the directory; mail then goes on by itself. With reject, the earlier members count until then.
alarm-once = This message comes once. A second one follows when all mail goes out again.
alarm-resolved = Verteiler on { $host } distributes all mail again. What has waited goes out now.

# Letters: mails that we write ourselves. Short sentences, no technical words; whoever reads is on a phone and has little time.
# The words to answer with ($yes, $word ...) are the first of answer-* below.
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
day = { $weekday }, { $day } { $month } { $year }
moment = { $weekday }, { $day } { $month } { $year }, { $hour }:{ $minute }

letter-hello = Hello,
letter-owner = Do you have questions? Write to { $owner }. The people responsible for the list read it. This message was written by a program.
letter-help = Help with the lists
letter-imprint = Imprint
letter-privacy = Privacy
letter-no-subject = (no subject)
letter-subject = Subject
letter-came = Received
letter-author = From
letter-reason = Reason
letter-verified = Sender checked
letter-verified-yes = yes
letter-verified-no = no, somebody else may have written the mail
letter-scan = Spam check
letter-scan-clean = nothing found
letter-scan-suspect = suspicious
letter-scan-none = not checked
letter-attachment = Attachment

# To the sender whom the mail names: was it really her?
letter-confirm-subject = Did you write to { $list }?
letter-confirm-what = A mail has come for the list “{ $list }”. It names your address as its sender. We do not know whether it is really from you.
letter-confirm-yes = Is the mail from you? Then answer this message with the word “{ $yes }” and nothing else. Your mail will then go out.
letter-confirm-link = Answer on our page
letter-confirm-no = Is the mail not from you? Then answer “{ $no }” or do nothing. Nobody gets this mail unless you say yes.
letter-confirm-until = You can answer until { $until }.

# To those who decide.
letter-held-subject = Please decide: “{ $subject }” to { $list }
letter-held-what = A mail to the list “{ $list }” waits for your decision. Nobody on the list has got it yet.
letter-held-deputy = Nobody has decided so far. So now we ask you as well.
letter-held-text = This is how the mail begins:
letter-held-no-text = The mail has no text that can be read.
letter-held-how = Answer this message with one of these words:
letter-held-accept = { $word }: the mail goes to everybody.
letter-held-always = { $word }: the mail goes to everybody. Later mails of this person will not wait.
letter-held-reject = { $word }: the mail goes to nobody. Write the reason after the word, and the person will read it.
letter-held-discard = { $word }: the mail goes to nobody. The person is not told.
letter-held-spam = { $word }: the mail is unwanted advertising or fraud and is deleted.
letter-held-page = Or decide on our page. You need no password for it.
letter-held-link = See the mail and decide
letter-held-until = If nobody decides until { $until }, the mail is deleted.
letter-held-secret = Please do not forward this message. Whoever has it can decide in your place.

# To the author: the mail waits.
letter-waits-subject = Your mail to { $list } is waiting
letter-waits-what = Your mail to the list “{ $list }” has arrived. Somebody looks at it before it goes out.
letter-waits-why = The reason: { $reason }
letter-waits-then = You need not do anything. We write to you when it is decided. That takes no longer than until { $until }.
letter-waits-withdraw = Do you want to take the mail back? Then answer this message with the word “{ $withdraw }” and nothing else.
letter-waits-link = Take the mail back

# To the author: how it ended.
letter-accepted-subject = Your mail to { $list } goes out
letter-accepted-what = Your mail to the list “{ $list }” was accepted. It goes to everybody now.
letter-rejected-subject = Your mail to { $list } was rejected
letter-rejected-what = Your mail to the list “{ $list }” does not go out. The people responsible for the list have rejected it.
letter-rejected-why = They write to you:
letter-withdrawn-subject = Your mail to { $list } is taken back
letter-withdrawn-what = You have taken back your mail to the list “{ $list }”. Nobody has got it, and we have deleted it.
letter-not-mine-subject = Thank you for your answer
letter-not-mine-what = Thank you for your answer. The mail to the list “{ $list }” was not from you. Nobody has got it, and we have deleted it. You need not do anything else.
letter-expired-subject = Your mail to { $list } was not sent on
letter-expired-what = Nobody has decided in time about your mail to the list “{ $list }”. It was not sent on, and we have deleted it.
letter-expired-then = Is the mail still important? Then please send it again, or ask the people responsible for the list.
letter-refused-subject = Your mail to { $list } could not be sent on
letter-refused-what = Your mail to the list “{ $list }” was accepted. But then it could not be sent on.
letter-refused-why = The reason:

# To those who decide: it has happened already.
letter-undecided-subject = Not decided: “{ $subject }” to { $list }
letter-undecided-what = Nobody has decided in time about this mail to the list “{ $list }”. It was not sent on and is deleted.
letter-already-subject = Decided already: “{ $subject }” to { $list }
letter-already-what = This mail to the list “{ $list }” had been decided already. Your answer has changed nothing.
letter-already-moderator = { $who } decided on { $when }. The result: { $what }.
letter-already-admin = The administration of the lists decided on { $when }. The result: { $what }.
letter-already-author = The person whom the mail names as its sender decided on { $when }. The result: { $what }.
letter-already-clock = The time for it was over on { $when }. The result: { $what }.
letter-taken-subject = Done: “{ $subject }” to { $list }
letter-taken-what = Thank you, your decision counts. The result: { $what }.
letter-unclear-subject = We did not understand your answer
letter-unclear-what = We did not understand your answer about the list “{ $list }”. So nothing has happened yet.
letter-unclear-how = Please answer our first message once more. Write only one of these words into the first line:
letter-unclear-link = Answer on our page
letter-storm-subject = Many replies to { $list }: more of them wait
letter-storm-what = { $count } replies came to the list “{ $list }” within { $minutes } minutes. So that not everybody gets so many mails, further replies wait now. Other mails go on as usual.
letter-storm-then = You need not do anything. Shall the replies go to everybody after all? Then write to { $admin }.

# To whom writes to the address -request.
letter-help-subject = Help with the list { $list }
letter-help-what = You have written to the help address of the list “{ $list }”. These addresses exist:
letter-help-write = Write to everybody
letter-help-ask = Ask the people responsible
letter-help-leave = Get no more mails
letter-help-change = Nobody has read your mail itself.

# Why a mail waits: for those who decide, and for the author.
held-unverified = It is not certain that the mail comes from this address.
held-other-login = The mail was sent with the login of another person.
held-nonmember = The sender's address belongs to nobody on the list.
held-moderated = In this list each mail is read before it goes out.
held-first = This person writes to the list for the first time.
held-suspect = The spam filter is not sure about this mail.
held-filter = The mail filter wants somebody to look at this mail.
held-several-authors = The mail names more than one sender.
held-outside = The mail shows { $count } addresses of people who are not on the list. Everybody could read them.
held-storm = Very many replies came in a short time.
held-emergency = The list is stopped at the moment. All mails wait.
held-recipients = The mail shows { $count } addresses. Everybody could read them.
held-lists = The mail was sent to { $count } lists at once.
held-rate = Many mails came from this address in a short time.
held-conflict = Another mail with the same mark came before.

# How it ended with a mail that waited.
ended-accepted = accepted
ended-rejected = rejected
ended-discarded = discarded
ended-spam = deleted as spam
ended-withdrawn = taken back
ended-not-mine = not from the named sender
ended-expired = not decided in time
ended-refused = accepted, but could not be sent on

# What people answer our questions with, and how mail programs mark what they quote. Separated by semicolons, lower
# case, no punctuation; the words of all languages count everywhere. An answer has to be the whole line.
answer-yes = yes; yes i did; yes i wrote this; yes i wrote it; yes that was me; yes it was me; yes thanks
answer-no = no; no i did not; no i didn t; no i did not write this; no i did not write it; no that was not me; no thanks
answer-accept = accept; accepted; approve; approved; please accept; please approve
answer-always = always; always accept; always allow
answer-reject = reject; rejected
answer-discard = discard; discarded; delete
answer-spam = this is spam
answer-withdraw = withdraw; withdrawn; please withdraw; take it back
answer-original = original message; forwarded message
answer-wrote = wrote; writes
answer-field = from; sent; to; subject; date; cc
# To members: the way to their settings, and that no more mail comes.
letter-settings-subject = Your link to the settings of { $list }
letter-settings-what = You want to change how you get the mails of the list “{ $list }”. This link does it. It is only for you, for 14 days.
letter-settings-link = Open my settings
letter-settings-not-you = You did not ask for this? Then please do nothing. Nothing changes.
letter-left-subject = You get no more mails from { $list }
letter-left-what = You have unsubscribed from the mails of the list “{ $list }”. This counts from now on.
letter-left-gone = You have left the list “{ $list }”. This counts from now on.
letter-left-asked = You have unsubscribed from the mails of the list “{ $list }”. This counts from now on. We have asked those who look after the list to take you out of the group, too.
letter-left-undo = Was it a mistake? This link changes it back. It works for 14 days.
letter-left-undo-mail = Was it a mistake? Then please answer this mail.
letter-left-link = Get mails again
letter-leaves-subject = Someone leaves { $list }
letter-leaves-what = Someone has unsubscribed from the mails of the list “{ $list }”. Please take the person out of the group if she does not belong there any more.
letter-leaves-name = Name
letter-leaves-address = Address
letter-leaves-else = No mail of the list goes there already now. There is nothing else to do.

# Pages on the web (listd/templates). Short sentences, no jargon.
page-language-name = English
page-site = Mailing lists
page-skip = Skip to content
page-languages = Language
page-foot = About this page
page-imprint = Imprint
page-privacy = Privacy
page-help = Help
page-a11y = Accessibility
page-title-wrong = Error: { $title }
page-home-heading = Mailing lists
page-home = Mails to groups come from here, for example to a school class. This page alone does nothing.
page-home-how = Please open the link from your mail.
page-list = List
page-author = From
page-subject = Subject
page-no-subject = (no subject)
page-arrived = Arrived on
page-reason = Why it waits
page-verification = Is the sender real?
page-verdict = Viruses and spam
page-attachments = Attachments
page-text = Text of the mail
page-no-text = This mail has no text that can be read.
page-decision = Your decision
page-errors = Something is missing
page-confirm-heading = Did you write this?
page-confirm-intro = This mail came with your address as its sender. We could not check that it is from you. It waits until you answer.
page-confirm-then = With “Yes” the mail goes on to the list. With “No” it is deleted.
page-confirm-yes = Yes, I wrote it
page-confirm-no = No, it was not me
page-withdraw-heading = Do you want to take your mail back?
page-withdraw-intro = Your mail still waits. The list has not got it yet.
page-withdraw-then = The mail is then deleted. If you do nothing, it goes on waiting.
page-withdraw-do = Take the mail back
page-moderate-heading = Shall this mail go out?
page-moderate-intro = You may decide for this list. The first decision counts.
page-choice-out = Let it out
page-accept-then = The mail goes to the list now. With “always” no later mail of this person waits either.
page-accept = Accept
page-always = Accept, and always this person
page-choice-reject = Reject and answer
page-sentence = Your sentence to the person who wrote
page-sentence-hint = For example: Please ask the class teacher first.
page-sentence-missing = Please write a sentence that says why you reject the mail.
page-sentence-long = Please make your sentence shorter. It may have at most 1000 characters.
page-reject = Reject
page-choice-delete = Delete without an answer
page-discard-then = The mail is deleted. The person who wrote hears nothing of it.
page-discard = Discard
page-spam = This is spam
page-done-heading = Done
page-thanks-heading = Thank you
page-passed = Now somebody who looks after the list reads the mail. Then you will hear from us.
page-already-heading = This is already decided
page-who = Decided by: { $who }
page-when = Decided on: { $when }
page-by-moderator = somebody who looks after the list
page-by-admin = the people who run the list
page-by-author = the person who wrote
page-by-you = you
page-by-clock = nobody; the time was over
page-end-accepted = The mail goes to the list.
page-end-rejected = The mail was rejected. Whoever wrote it got an answer.
page-end-discarded = The mail was deleted. Whoever wrote it hears nothing of it.
page-end-spam = The mail was deleted as spam.
page-end-withdrawn = The mail was taken back. Nobody got it.
page-end-not-mine = The mail was deleted. Its sender was forged.
page-end-expired = The mail was deleted because nobody decided.
page-end-refused = The mail could not go out any more. The reason: { $why }
page-end-not-out = The mail did not go out.
page-options-heading = Your settings
page-options-saved = Your settings are saved.
page-options-address = Your address
page-options-mail = Which mails do you want?
page-options-all = All mails of this list
page-options-pause = A pause until a day
page-options-none = No more mails
page-options-until = The pause ends on
page-options-until-hint = Only for the pause. From this day on mails come again. What came before is not sent later.
page-options-no-date = Please give the day on which the pause ends.
page-options-past = Please choose a day that is still to come.
page-options-far = Please choose a day within the next two years.
page-options-digest = One by one or together?
page-options-digest-off = Each mail by itself
page-options-digest-daily = Once a day, all together
page-options-digest-weekly = Once a week, all together
page-options-more = What else?
page-options-no-own = Not my own mails to me
page-options-no-addressed = Nothing twice where I am written to directly as well
page-options-plain = Plain text only, without formatting
page-options-save = Save
page-leave-heading = No more mails from { $list }?
page-leave = Then we send nothing more to { $address }. You stay in the group and can change this at any time.
page-leave-do = No more mails
page-leave-options = A pause or other settings
page-left-heading = No more mails from { $list }
page-left = We send nothing more to { $address }. You can change this at any time.
page-list-intro = This list has the address { $address }.
page-list-options = Change your settings
page-list-address = Your mail address
page-list-hint = We send you a mail with a link that is only for you.
page-list-no-address = Please give a whole mail address, for example name@school.example.
page-list-send = Send the link
page-list-sent-heading = Please look into your mail
page-list-sent = If this address is on the list, a mail with a link comes in a moment.
page-list-sent-no = Nothing comes? Then you are on the list with another address. Or the mail lies in the spam folder.
page-unknown-heading = This link is not valid
page-unknown = Perhaps it is too old, or its end is missing. Please open it again from the mail.
page-nothing-changed = Nothing was changed.
page-busy-heading = Please wait a minute
page-busy = Very many requests came from your connection.
page-not-now-heading = This does not work right now
page-not-now = Please try again in a few minutes.
page-failed-heading = Something went wrong here
page-failed = The fault is ours. Please try again later.
page-foreign-heading = This came from a foreign page
page-foreign = Please open the link from your mail and choose there.
page-unread-heading = We did not understand this
page-unread = Please open the link from the mail again and choose there.
page-a11y-aim = Everybody shall be able to use these pages well.
page-a11y-state-heading = State
page-a11y-state = The pages follow the rules BITV 2.0, EN 301 549 and WCAG 2.2, level AA. We tested this ourselves.
page-a11y-tested = A program tests each page before each new version. Everything works with the keyboard alone. The pages need no JavaScript and remember nothing.
page-a11y-limits-heading = What does not always work
page-a11y-limits = Some pages show text from a mail. How easy that text is to read is up to whoever wrote it.
page-a11y-contact-heading = You meet a barrier?
page-a11y-contact = Please write to us what does not work. We will answer. You can do everything by mail as well.
page-a11y-complain-heading = If we do not help
page-a11y-complain = Did your school not help within six weeks? Then the arbitration board of your state helps. It is free. Where it is stands in the imprint of the school.

# Answers to the author's server where a mail waits.
reply-waits-author = accepted; waits for the author to confirm it
reply-waits-moderator = accepted; waits for a moderator
# Because of bounces: the probe to the address itself, and what the admins read when it fails.
letter-probe-subject = Does mail from { $list } reach you?
letter-probe-what = Mail from the list “{ $list }” ({ $address }) to your address came back several times lately. With this message we check whether the address still works.
letter-probe-fine = If you read this, all is well. You need not do anything.
letter-probe-else = If this message comes back too, we send nothing more to this address until the school changes that.
letter-paused-subject = [Verteiler] An address gets no mail any more
letter-paused-what = Mail to an address came back several times, and in the end a check did too. It gets no mail from lists for now. Nothing was changed in the directory.
letter-paused-address = Address
letter-paused-list = List
letter-paused-said = Answer of the other server
letter-paused-protected = a protected person
letter-paused-end = The pause ends when the directory has another address, or with this command:

# To the admins: many servers refuse the same mail.
letter-braked-subject = [Verteiler] Many servers refuse a mail: { $list }
letter-braked-what = Many servers refuse the same mail to the list “{ $list }”: { $refused } of { $tried } so far. That is because of the mail or of our server, not of the recipients. Delivery to the other { $waiting } therefore waits.
letter-braked-gone = Many servers have refused the same mail to the list “{ $list }”: { $refused } of { $tried }. That is because of the mail or of our server, not of the recipients. All copies have been sent already, none waits.
letter-braked-list = List
letter-braked-id = Number
letter-braked-message = Message-ID
letter-braked-said = This is what the providers say:
letter-braked-policy = want no mail from us
letter-braked-content = don’t want this mail
letter-braked-members = It has no consequences for the recipients: nobody is paused because of it.
letter-braked-end = When the cause is gone, the second command lets it go on. This mail is not stopped again then. If nothing happens, it counts as not delivered for all who still wait on { $until }.

# Once a day to the admins: mail that came back and was not understood, and complaints.
strange-subject = [Verteiler] Bounces nobody understands, and complaints
strange-what = Mails that came back and that Verteiler does not understand: { $count }. They change nothing for anybody. Each with its number, list, server and subject:
strange-complaints = Reports to a provider that mail of a list is spam: { $complaints }. Verteiler changes nothing because of them. Whoever wants no more mail can unsubscribe on the list’s page. Each with its number, list, server and subject:
strange-more = Only the first { $most } are shown here.
strange-look = This shows one of them, and what Verteiler reads in it. These mails are personal data and are deleted after 30 days:
strange-then = If many come from one provider, look there or in the mail server’s log. This message comes at most once a day.
