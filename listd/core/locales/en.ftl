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
refused-not-allowed-some = Only certain people may write to { $list }. Please write to { $owner }.
refused-not-yet = { $list } is set to be moderated ({ $setting }), which is not available yet. Please write to { $owner }.
refused-unknown = There is no list { $address }. Please check the address.
refused-signed-long-line = Your mail is signed or encrypted and has a line that is too long to be sent on. Please send it without the signature, or as an attachment.
refused-address-shown = { $list } hides the addresses of its authors, and yours stands in the field { $field } of your mail. Please take it out there and send the mail again.
refused-attachment-signed = Your mail is signed or encrypted and has the attachment { $name }, which { $list } does not take. Please send it without that attachment.
refused-too-many = You have sent many mails to authors of { $list } in a short time. Please wait an hour.
refused-virus = Your mail contains a virus ({ $virus }) and is not sent on. Please check your computer before you write again.
refused-virus-unnamed = Your mail contains a virus and is not sent on. Please check your computer before you write again.
refused-spam = Our filter takes your mail for spam, so it is not sent on to { $list }. Please write it anew in your own words and without links.
refused-suspect = Our filter suspects spam in your mail, so it is not sent on to { $list }. Please write it anew in your own words and without links, or ask the school by another way.
refused-filter = Our mail filter does not let your mail through to { $list }. Please ask the school by another way.
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
