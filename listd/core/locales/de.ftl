# Was Menschen lesen: Antworten an Absender (eine Zeile, als ASCII gesendet) und Wörter in Kopfzeilen.
# Dieselben Texte mit denselben Variablen stehen in jeder Sprache; ein Test vergleicht sie.

# Zwischen Name und Liste: "Ayse Yilmaz über Klasse 5b".
from-via = über
hidden-author = Ein Mitglied

# Unter jeder Mail einer Liste mit footer = "standard". Eine Zeile, deren Verweis nicht eingerichtet ist, entfällt.
footer-why = Sie bekommen diese Mail, weil Sie in der Liste „{ $description }“ ({ $address }) stehen.
footer-leave = Fragen oder Abmelden: { $owner }
footer-settings = Einstellungen: { $settings }
footer-imprint = Impressum: { $imprint }
footer-privacy = Datenschutz: { $privacy }

# In einer Kopie, anstelle eines Anhangs oder Bildes, das weggelassen wurde.
attachment-unnamed = ohne Namen
attachment-kind = Anhang weggelassen: { $name } ({ $size }). Die Liste „{ $list }“ nimmt Dateien dieser Art nicht an.
attachment-size = Anhang weggelassen: { $name } ({ $size }). Die Liste „{ $list }“ nimmt Anhänge bis höchstens { $limit } an.
attachment-ask = Wenn Sie ihn brauchen, fragen Sie bitte den Absender oder { $owner }.
pictures-removed = Bilder weggelassen, weil diese Liste reinen Text verschickt: { $count }

refused-loop = Diese Mail war schon einmal in der Liste { $list } und wird nicht noch einmal verteilt.
refused-hops = Diese Mail ist über { $count } Server gelaufen. Sie dreht sich wohl im Kreis; bitte fragen Sie Ihren Mailanbieter.
refused-header-too-big = Der Kopf Ihrer Mail ist zu groß. Bitte schreiben Sie eine neue Mail mit weniger Empfängern.
refused-twice = Ihre Mail hat das Feld { $field } mehr als einmal. Bitte senden Sie sie mit einem anderen Mailprogramm.
refused-no-author = Ihre Mail nennt keinen gültigen Absender. Bitte tragen Sie Ihre Adresse im Mailprogramm ein.
refused-several-authors = Ihre Mail nennt mehr als einen Absender. Bitte senden Sie sie mit nur einer Absenderadresse.
refused-line-ends = Ihre Mail hat ungültige Zeilenenden oder Zeichen im Kopf. Bitte senden Sie sie mit einem anderen Mailprogramm.
refused-too-big = Ihre Mail ist zu groß: { $size }, und { $list } nimmt höchstens { $limit } an. Bitte schicken Sie große Dateien als Link.
refused-expired = Die Liste { $list } ist geschlossen und nimmt keine Mails mehr an. Hilfe bekommen Sie unter { $owner }.
refused-unverified = Wir können nicht prüfen, dass diese Mail wirklich von Ihnen kommt. Bitte schreiben Sie über das Programm oder die Webseite Ihres Mailanbieters, oder fragen Sie { $owner }.
refused-other-login = Anmeldung und Absenderadresse Ihrer Mail gehören nicht derselben Person. Bitte wählen Sie Ihre eigene Adresse als Absender.
refused-forbidden = Die Domain Ihrer Absenderadresse verlangt, dass wir Mails ablehnen, die sie nicht selbst geschickt hat. Bitte senden Sie über Ihren eigenen Mailanbieter.
refused-not-allowed-members = Nur Mitglieder von { $list } dürfen hier schreiben. Bitte schreiben Sie von der Adresse, die die Schule kennt, oder an { $owner }.
refused-not-allowed-people = Nur Angehörige der Schule dürfen an { $list } schreiben. Bitte schreiben Sie von der Adresse, die die Schule kennt, oder an { $owner }.
refused-not-allowed-owners = Nur die Verantwortlichen von { $list } dürfen hier schreiben. Bitte schreiben Sie an { $owner }.
refused-not-allowed-these = An { $list } dürfen nur schreiben: { $who }. Bitte schreiben Sie von der Adresse, die die Schule kennt, oder an { $owner }.
who-members = die Mitglieder
who-people = Angehörige der Schule
who-owners = die Verantwortlichen
who-moderators = die Moderation
refused-not-allowed-some = Nur bestimmte Personen dürfen an { $list } schreiben. Bitte schreiben Sie an { $owner }.
refused-not-yet = { $list } soll moderiert werden ({ $setting }), das geht noch nicht. Bitte schreiben Sie an { $owner }.
refused-unknown = Die Liste { $address } gibt es nicht. Bitte prüfen Sie die Adresse.
refused-signed-long-line = Ihre Mail ist signiert oder verschlüsselt und hat eine Zeile, die zum Weiterleiten zu lang ist. Bitte senden Sie sie ohne Signatur oder als Anhang.
refused-address-shown = { $list } verbirgt die Adressen der Schreibenden, und Ihre steht im Feld { $field } Ihrer Mail. Bitte entfernen Sie sie dort und senden Sie die Mail noch einmal.
refused-attachment-signed = Ihre Mail ist signiert oder verschlüsselt und hat den Anhang { $name }, den { $list } nicht annimmt. Bitte senden Sie sie ohne diesen Anhang.
refused-too-many = Sie haben in kurzer Zeit viele Mails an { $list } geschickt. Bitte warten Sie eine Stunde.
refused-virus = Ihre Mail enthält einen Virus ({ $virus }) und wird nicht verteilt. Bitte prüfen Sie Ihren Rechner, bevor Sie wieder schreiben.
refused-virus-unnamed = Ihre Mail enthält einen Virus und wird nicht verteilt. Bitte prüfen Sie Ihren Rechner, bevor Sie wieder schreiben.
refused-spam = Unser Filter hält Ihre Mail für Spam, darum wird sie nicht an { $list } verteilt. Bitte schreiben Sie sie neu, mit eigenen Worten und ohne Links.
refused-suspect = Unser Filter vermutet Spam in Ihrer Mail, darum wird sie nicht an { $list } verteilt. Bitte schreiben Sie sie neu, mit eigenen Worten und ohne Links, oder fragen Sie die Schule auf anderem Weg.
refused-filter = Unser Mailfilter lässt Ihre Mail nicht zu { $list } durch. Bitte fragen Sie die Schule auf anderem Weg.
refused-help-unverified = Wir können nicht prüfen, dass diese Mail wirklich von Ihnen kommt, darum schickt { $list } Ihnen keine Hilfe. Menschen erreichen Sie unter { $owner }.
refused-help-enough = Die Hilfe zu { $list } ist schon unterwegs zu Ihnen, und heute kommt sie nicht noch einmal. Menschen erreichen Sie unter { $owner }.
refused-structure = Ihre Mail ist so aufgebaut, dass wir sie nicht weiterleiten können. Bitte schreiben Sie sie neu oder nehmen Sie ein anderes Mailprogramm.
refused-unsendable = Ihre Mail ist so signiert oder verschlüsselt, dass sie nicht unverändert weitergeleitet werden kann. Bitte senden Sie sie ohne Signatur.

# An die Verantwortlichen einer Domain: Mail wartet, weil dem Verzeichnis nicht zu trauen ist. Betreff ohne Umlaute.
alarm-subject-shrunk = [Verteiler] Mail wartet: in Listen fehlen auf einmal viele Mitglieder
alarm-subject-silent = [Verteiler] Mail wartet: das Verzeichnis antwortet nicht richtig
alarm-subject-resolved = [Verteiler] Mail wird wieder verteilt
alarm-intro = Verteiler auf { $host } hält Mail zurück. Es geht keine verloren: was schon angenommen war, wartet hier; neue Mail wartet beim Server davor und kommt von selbst wieder.
alarm-silent = Das LDAP-Verzeichnis gibt seit { $since } keine brauchbare Antwort; deshalb warten alle Listen. Der letzte Fehler: { $error }
alarm-shrunk = Das Verzeichnis nennt plötzlich viel weniger Mitglieder als zuletzt. Mail an diese Listen wartet, andere Listen laufen weiter:
alarm-list = { $list }: { $now } statt { $accepted }
alarm-everybody = alle Listen: das Verzeichnis nennt { $now } statt { $accepted } Personen
alarm-more = und { $more } weitere
alarm-what = Sehen Sie auf { $host } nach, wer ging und kam, und geben Sie es frei, wenn es stimmt. Stimmt es nicht, reparieren Sie das Verzeichnis; die Mail geht dann von selbst weiter. Mit reject gelten bis dahin die früheren Mitglieder.
alarm-once = Diese Nachricht kommt einmal. Eine zweite folgt, wenn alle Mail wieder läuft.
alarm-resolved = Verteiler auf { $host } verteilt wieder alle Mail. Was gewartet hat, geht jetzt hinaus.

# Briefe: Mails, die wir selbst schreiben. Kurze Sätze, „Sie“, keine Fachwörter; wer liest, ist am Telefon und hat wenig Zeit.
# Wörter, mit denen man antwortet ($yes, $word ...), sind die ersten von answer-* unten.
month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember
weekday-1 = Montag
weekday-2 = Dienstag
weekday-3 = Mittwoch
weekday-4 = Donnerstag
weekday-5 = Freitag
weekday-6 = Samstag
weekday-7 = Sonntag
day = { $weekday }, { $day }. { $month } { $year }
moment = { $weekday }, { $day }. { $month } { $year }, { $hour }:{ $minute } Uhr

letter-hello = Guten Tag,
letter-owner = Haben Sie Fragen? Schreiben Sie an { $owner }. Dort lesen die Verantwortlichen der Liste. Diese Nachricht selbst hat ein Programm geschrieben.
letter-help = Hilfe zu den Listen
letter-imprint = Impressum
letter-privacy = Datenschutz
letter-no-subject = (ohne Betreff)
letter-subject = Betreff
letter-came = Eingegangen
letter-author = Absender
letter-reason = Grund
letter-verified = Absender geprüft
letter-verified-yes = ja
letter-verified-no = nein, vielleicht hat jemand anders die Mail geschrieben
letter-scan = Spamprüfung
letter-scan-clean = unauffällig
letter-scan-suspect = verdächtig
letter-scan-none = nicht geprüft
letter-attachment = Anhang

# An den Absender, der in der Mail steht: war er es?
letter-confirm-subject = Haben Sie an { $list } geschrieben?
letter-confirm-what = für die Liste „{ $list }“ ist eine Mail gekommen. Ihre Adresse steht als Absender darin. Wir wissen aber nicht, ob die Mail wirklich von Ihnen ist.
letter-confirm-yes = Ist die Mail von Ihnen? Dann antworten Sie auf diese Nachricht nur mit dem Wort „{ $yes }“. Danach geht Ihre Mail weiter.
letter-confirm-link = Auf unserer Seite antworten
letter-confirm-no = Ist die Mail nicht von Ihnen? Dann antworten Sie mit „{ $no }“ oder tun Sie nichts. Ohne Ihr Ja bekommt niemand diese Mail.
letter-confirm-until = Sie können bis { $until } antworten.

# An die, die entscheiden.
letter-held-subject = Bitte entscheiden: „{ $subject }“ an { $list }
letter-held-what = eine Mail an die Liste „{ $list }“ wartet auf Ihre Entscheidung. Noch hat sie niemand aus der Liste bekommen.
letter-held-deputy = Bisher hat niemand entschieden. Darum fragen wir jetzt auch Sie.
letter-held-text = So beginnt die Mail:
letter-held-no-text = Die Mail enthält keinen lesbaren Text.
letter-held-how = Antworten Sie auf diese Nachricht mit einem dieser Wörter:
letter-held-accept = { $word }: Die Mail geht an alle.
letter-held-always = { $word }: Die Mail geht an alle. Künftige Mails dieser Person warten nicht mehr.
letter-held-reject = { $word }: Die Mail geht an niemanden. Schreiben Sie den Grund dahinter, dann erfährt ihn die Person.
letter-held-discard = { $word }: Die Mail geht an niemanden. Die Person erfährt nichts davon.
letter-held-spam = { $word }: Die Mail ist unerwünschte Werbung oder Betrug und wird gelöscht.
letter-held-page = Oder entscheiden Sie auf unserer Seite. Sie brauchen dafür kein Passwort.
letter-held-link = Mail ansehen und entscheiden
letter-held-until = Entscheidet niemand bis { $until }, wird die Mail gelöscht.
letter-held-secret = Bitte leiten Sie diese Nachricht nicht weiter. Wer sie hat, kann an Ihrer Stelle entscheiden.

# An den Absender: die Mail wartet.
letter-waits-subject = Ihre Mail an { $list } wartet
letter-waits-what = Ihre Mail an die Liste „{ $list }“ ist angekommen. Vor dem Verteilen sieht sie noch jemand an.
letter-waits-why = Der Grund: { $reason }
letter-waits-then = Sie müssen nichts tun. Wir schreiben Ihnen, wenn entschieden ist. Das dauert höchstens bis { $until }.
letter-waits-withdraw = Wollen Sie die Mail doch nicht senden? Dann antworten Sie auf diese Nachricht nur mit dem Wort „{ $withdraw }“.
letter-waits-link = Mail zurückziehen

# An den Absender: wie es ausging.
letter-accepted-subject = Ihre Mail an { $list } wird verteilt
letter-accepted-what = Ihre Mail an die Liste „{ $list }“ ist angenommen. Sie geht jetzt an alle.
letter-rejected-subject = Ihre Mail an { $list } ist abgelehnt
letter-rejected-what = Ihre Mail an die Liste „{ $list }“ wird nicht verteilt. Die Verantwortlichen der Liste haben sie abgelehnt.
letter-rejected-why = Sie schreiben Ihnen dazu:
letter-withdrawn-subject = Ihre Mail an { $list } ist zurückgezogen
letter-withdrawn-what = Sie haben Ihre Mail an die Liste „{ $list }“ zurückgezogen. Niemand hat sie bekommen, und wir haben sie gelöscht.
letter-not-mine-subject = Danke für Ihre Antwort
letter-not-mine-what = danke für Ihre Antwort. Die Mail an die Liste „{ $list }“ war nicht von Ihnen. Niemand hat sie bekommen, und wir haben sie gelöscht. Mehr müssen Sie nicht tun.
letter-expired-subject = Ihre Mail an { $list } wurde nicht verteilt
letter-expired-what = über Ihre Mail an die Liste „{ $list }“ hat niemand rechtzeitig entschieden. Sie wurde nicht verteilt, und wir haben sie gelöscht.
letter-expired-then = Ist die Mail noch wichtig? Dann senden Sie sie bitte noch einmal, oder fragen Sie die Verantwortlichen.
letter-refused-subject = Ihre Mail an { $list } konnte nicht verteilt werden
letter-refused-what = Ihre Mail an die Liste „{ $list }“ war angenommen. Sie konnte dann aber nicht verteilt werden.
letter-refused-why = Der Grund:

# An die, die entscheiden: es ist schon geschehen.
letter-undecided-subject = Nicht entschieden: „{ $subject }“ an { $list }
letter-undecided-what = über diese Mail an die Liste „{ $list }“ hat niemand rechtzeitig entschieden. Sie wurde nicht verteilt und ist gelöscht.
letter-already-subject = Schon entschieden: „{ $subject }“ an { $list }
letter-already-what = über diese Mail an die Liste „{ $list }“ war schon entschieden. Ihre Antwort hat daran nichts geändert.
letter-already-moderator = Entschieden hat { $who } am { $when }. Das Ergebnis: { $what }.
letter-already-admin = Entschieden hat die Verwaltung der Listen am { $when }. Das Ergebnis: { $what }.
letter-already-author = Entschieden hat die Person selbst, die im Absender steht, am { $when }. Das Ergebnis: { $what }.
letter-already-clock = Die Zeit dafür war am { $when } vorbei. Das Ergebnis: { $what }.
letter-taken-subject = Erledigt: „{ $subject }“ an { $list }
letter-taken-what = danke, Ihre Entscheidung gilt. Das Ergebnis: { $what }.
letter-unclear-subject = Wir haben Ihre Antwort nicht verstanden
letter-unclear-what = Ihre Antwort zur Liste „{ $list }“ haben wir nicht verstanden. Darum ist noch nichts geschehen.
letter-unclear-how = Bitte antworten Sie noch einmal auf unsere erste Nachricht. Schreiben Sie nur eines dieser Wörter in die erste Zeile:
letter-unclear-link = Auf unserer Seite antworten
letter-storm-subject = Viele Antworten an { $list }: weitere warten
letter-storm-what = an die Liste „{ $list }“ kamen { $count } Antworten in { $minutes } Minuten. Damit nicht alle so viele Mails bekommen, warten weitere Antworten jetzt. Andere Mails gehen wie gewohnt weiter.
letter-storm-then = Sie müssen nichts tun. Sollen die Antworten doch an alle gehen? Dann schreiben Sie an { $admin }.

# An den, der an die Adresse -request schreibt.
letter-help-subject = Hilfe zur Liste { $list }
letter-help-what = Sie haben an die Hilfe-Adresse der Liste „{ $list }“ geschrieben. Diese Adressen gibt es:
letter-help-write = An alle schreiben
letter-help-ask = Die Verantwortlichen fragen
letter-help-leave = Keine Mails mehr bekommen
letter-help-change = Ihre Mail selbst hat niemand gelesen.

# Warum eine Mail wartet: für die, die entscheiden, und für den Absender.
held-unverified = Es ist nicht sicher, dass die Mail von dieser Adresse kommt.
held-other-login = Die Mail wurde mit dem Zugang einer anderen Person gesendet.
held-nonmember = Die Adresse des Absenders gehört niemandem aus der Liste.
held-moderated = In dieser Liste wird jede Mail vor dem Verteilen gelesen.
held-first = Diese Person schreibt zum ersten Mal an die Liste.
held-suspect = Der Spamfilter ist bei dieser Mail nicht sicher.
held-filter = Der Mailfilter will, dass jemand diese Mail ansieht.
held-several-authors = Die Mail nennt mehr als einen Absender.
held-outside = Die Mail zeigt { $count } Adressen von Leuten, die nicht in der Liste sind. Alle könnten sie lesen.
held-storm = Es kamen sehr viele Antworten in kurzer Zeit.
held-emergency = Die Liste ist zurzeit angehalten. Alle Mails warten.
held-recipients = Die Mail zeigt { $count } Adressen. Alle könnten sie lesen.
held-lists = Die Mail ging an { $count } Listen auf einmal.
held-rate = Von dieser Adresse kamen viele Mails in kurzer Zeit.
held-conflict = Eine andere Mail mit derselben Kennung kam schon vorher.

# Wie es mit einer Mail ausging, die gewartet hat.
ended-accepted = angenommen
ended-rejected = abgelehnt
ended-discarded = verworfen
ended-spam = als Spam gelöscht
ended-withdrawn = zurückgezogen
ended-not-mine = nicht vom genannten Absender
ended-expired = nicht rechtzeitig entschieden
ended-refused = angenommen, aber nicht verteilbar

# Womit man auf unsere Fragen antwortet, und woran man erkennt, was ein Mailprogramm zitiert. Mit Strichpunkt getrennt,
# klein, ohne Satzzeichen; die Wörter aller Sprachen gelten überall. Eine Antwort muss die ganze Zeile sein.
answer-yes = ja; jawohl; ja das war ich; ja ich war das; ja das bin ich; ja das habe ich geschrieben; ja habe ich geschrieben; ja das ist von mir; ja danke; ja stimmt
answer-no = nein; nein das war ich nicht; nein ich war das nicht; nein das habe ich nicht geschrieben; nein habe ich nicht geschrieben; nein das ist nicht von mir; nein danke
answer-accept = annehmen; angenommen; freigeben; freigegeben; verteilen; bitte annehmen; bitte freigeben
answer-always = immer; immer annehmen; immer erlauben; immer freigeben
answer-reject = ablehnen; abgelehnt
answer-discard = verwerfen; verworfen; löschen
answer-spam = spam; das ist spam
answer-withdraw = zurückziehen; zurückgezogen; bitte zurückziehen; zurueckziehen
answer-original = ursprüngliche nachricht; originalnachricht; original nachricht; weitergeleitete nachricht
answer-wrote = schrieb; geschrieben
answer-field = von; gesendet; an; betreff; datum
# An Mitglieder: der Weg zu ihren Einstellungen, und dass keine Mail mehr kommt.
letter-settings-subject = Ihr Link zu den Einstellungen von { $list }
letter-settings-what = Sie möchten ändern, wie Sie die Mails der Liste „{ $list }“ bekommen. Das geht mit diesem Link. Er gilt nur für Sie und 14 Tage lang.
letter-settings-link = Meine Einstellungen öffnen
letter-settings-not-you = Haben Sie das nicht gewünscht? Dann tun Sie bitte nichts. Es ändert sich nichts.
letter-left-subject = Sie bekommen keine Mails mehr von { $list }
letter-left-what = Sie haben die Mails der Liste „{ $list }“ abbestellt. Das gilt ab jetzt.
letter-left-gone = Sie haben sich von der Liste „{ $list }“ abgemeldet. Das gilt ab jetzt.
letter-left-asked = Sie haben die Mails der Liste „{ $list }“ abbestellt. Das gilt ab jetzt. Wer die Liste betreut, soll Sie auch aus der Gruppe nehmen. Darum haben wir gebeten.
letter-left-undo = War das ein Versehen? Mit diesem Link ändern Sie es wieder. Er gilt 14 Tage lang.
letter-left-undo-mail = War das ein Versehen? Dann antworten Sie bitte auf diese Mail.
letter-left-link = Wieder Mails bekommen
letter-leaves-subject = Abmeldung von { $list }
letter-leaves-what = Jemand hat die Mails der Liste „{ $list }“ abbestellt. Bitte nehmen Sie die Person aus der Gruppe, wenn sie dort nicht mehr hingehört.
letter-leaves-name = Name
letter-leaves-address = Adresse
letter-leaves-else = Schon jetzt gehen keine Mails der Liste mehr dorthin. Mehr müssen Sie nicht tun.

# Seiten im Netz (listd/templates). Kurze Sätze, „Sie“, kein Fachwort.
page-language-name = Deutsch
page-site = Mailinglisten
page-skip = Zum Inhalt
page-languages = Sprache
page-foot = Über diese Seite
page-imprint = Impressum
page-privacy = Datenschutz
page-help = Hilfe
page-a11y = Barrierefreiheit
page-title-wrong = Fehler: { $title }
page-home-heading = Mailinglisten
page-home = Von hier kommen Mails an Gruppen, zum Beispiel an eine Klasse. Diese Seite allein tut nichts.
page-home-how = Bitte öffnen Sie den Link aus Ihrer Mail.
page-list = Liste
page-author = Von
page-subject = Betreff
page-no-subject = (ohne Betreff)
page-arrived = Gekommen am
page-reason = Warum sie wartet
page-verification = Ist der Absender echt?
page-verdict = Viren und Spam
page-attachments = Anhänge
page-text = Text der Mail
page-no-text = Diese Mail hat keinen lesbaren Text.
page-decision = Ihre Entscheidung
page-errors = Es fehlt noch etwas
page-confirm-heading = Haben Sie das geschrieben?
page-confirm-intro = Diese Mail kam mit Ihrer Adresse als Absender. Wir konnten nicht prüfen, ob sie von Ihnen ist. Sie wartet, bis Sie antworten.
page-confirm-then = Bei „Ja“ geht die Mail weiter an die Liste. Bei „Nein“ wird sie gelöscht.
page-confirm-yes = Ja, das war ich
page-confirm-no = Nein, das war ich nicht
page-withdraw-heading = Möchten Sie Ihre Mail zurückziehen?
page-withdraw-intro = Ihre Mail wartet noch. Bis jetzt hat die Liste sie nicht bekommen.
page-withdraw-then = Die Mail wird dann gelöscht. Wenn Sie nichts tun, wartet sie weiter.
page-withdraw-do = Mail zurückziehen
page-moderate-heading = Soll diese Mail verteilt werden?
page-moderate-intro = Sie dürfen für diese Liste entscheiden. Was zuerst entschieden wird, gilt.
page-choice-out = Verteilen
page-accept-then = Die Mail geht jetzt an die Liste. Bei „immer“ wartet auch später keine Mail dieser Person mehr.
page-accept = Annehmen
page-always = Annehmen, diese Person immer
page-choice-reject = Ablehnen und antworten
page-sentence = Ihr Satz an die Person, die schrieb
page-sentence-hint = Zum Beispiel: Bitte fragen Sie zuerst die Klassenleitung.
page-sentence-missing = Bitte schreiben Sie einen Satz, warum Sie die Mail ablehnen.
page-sentence-long = Bitte kürzen Sie Ihren Satz. Er darf höchstens 1000 Zeichen haben.
page-reject = Ablehnen
page-choice-delete = Löschen ohne Antwort
page-discard-then = Die Mail wird gelöscht. Die Person, die schrieb, hört davon nichts.
page-discard = Verwerfen
page-spam = Das ist Spam
page-done-heading = Erledigt
page-thanks-heading = Vielen Dank
page-passed = Nun sieht noch jemand die Mail an, der für die Liste sorgt. Sie hören dann von uns.
page-already-heading = Das ist schon entschieden
page-who = Entschieden von: { $who }
page-when = Entschieden am: { $when }
page-by-moderator = jemandem, der für die Liste sorgt
page-by-admin = der Verwaltung der Liste
page-by-author = der Person, die schrieb
page-by-you = Ihnen
page-by-clock = niemandem; die Zeit war um
page-end-accepted = Die Mail geht an die Liste.
page-end-rejected = Die Mail wurde abgelehnt. Wer schrieb, hat eine Antwort bekommen.
page-end-discarded = Die Mail wurde gelöscht. Wer schrieb, hört davon nichts.
page-end-spam = Die Mail wurde als Spam gelöscht.
page-end-withdrawn = Die Mail wurde zurückgezogen. Niemand hat sie bekommen.
page-end-not-mine = Die Mail wurde gelöscht. Der Absender war gefälscht.
page-end-expired = Die Mail wurde gelöscht, weil niemand entschieden hat.
page-end-refused = Die Mail konnte nicht mehr verteilt werden. Der Grund: { $why }
page-end-not-out = Die Mail wurde nicht verteilt.
page-options-heading = Ihre Einstellungen
page-options-saved = Ihre Einstellungen sind gespeichert.
page-options-address = Ihre Adresse
page-options-mail = Welche Mails möchten Sie?
page-options-all = Alle Mails dieser Liste
page-options-pause = Eine Pause bis zu einem Tag
page-options-none = Keine Mails mehr
page-options-until = Die Pause endet am
page-options-until-hint = Nur für die Pause. Ab diesem Tag kommen wieder Mails. Was vorher kam, wird nicht nachgeschickt.
page-options-no-date = Bitte geben Sie den Tag an, an dem die Pause endet.
page-options-past = Bitte wählen Sie einen Tag, der noch kommt.
page-options-far = Bitte wählen Sie einen Tag in den nächsten zwei Jahren.
page-options-digest = Einzeln oder gesammelt?
page-options-digest-off = Jede Mail einzeln
page-options-digest-daily = Einmal am Tag alle zusammen
page-options-digest-weekly = Einmal in der Woche alle zusammen
page-options-more = Was noch?
page-options-no-own = Meine eigenen Mails nicht an mich
page-options-no-addressed = Nichts doppelt, wenn ich auch direkt angeschrieben bin
page-options-plain = Nur reiner Text, ohne Gestaltung
page-options-save = Speichern
page-leave-heading = Keine Mails mehr von { $list }?
page-leave = Dann schicken wir nichts mehr an { $address }. Sie bleiben in der Gruppe und können das jederzeit ändern.
page-leave-do = Keine Mails mehr
page-leave-options = Pause oder andere Einstellungen
page-left-heading = Keine Mails mehr von { $list }
page-left = Wir schicken nichts mehr an { $address }. Das können Sie jederzeit ändern.
page-list-intro = Diese Liste hat die Adresse { $address }.
page-list-options = Ihre Einstellungen ändern
page-list-address = Ihre Mailadresse
page-list-hint = Wir schicken Ihnen eine Mail mit einem Link, der nur für Sie gilt.
page-list-no-address = Bitte geben Sie eine ganze Mailadresse an, zum Beispiel name@schule.example.
page-list-send = Link schicken
page-list-sent-heading = Bitte sehen Sie in Ihre Mails
page-list-sent = Steht diese Adresse in der Liste, dann kommt gleich eine Mail mit einem Link.
page-list-sent-no = Es kommt nichts? Dann stehen Sie mit einer anderen Adresse in der Liste. Oder die Mail liegt bei Spam.
page-unknown-heading = Dieser Link gilt nicht
page-unknown = Vielleicht ist er zu alt, oder am Ende fehlt ein Stück. Bitte öffnen Sie ihn noch einmal aus der Mail.
page-nothing-changed = Es wurde nichts geändert.
page-busy-heading = Bitte warten Sie eine Minute
page-busy = Von Ihrem Anschluss kamen sehr viele Anfragen.
page-not-now-heading = Das geht gerade nicht
page-not-now = Bitte versuchen Sie es in ein paar Minuten noch einmal.
page-failed-heading = Hier ist ein Fehler passiert
page-failed = Der Fehler liegt bei uns. Bitte versuchen Sie es später noch einmal.
page-foreign-heading = Das kam von einer fremden Seite
page-foreign = Bitte öffnen Sie den Link aus Ihrer Mail und wählen Sie dort.
page-unread-heading = Das haben wir nicht verstanden
page-unread = Bitte öffnen Sie den Link noch einmal aus der Mail und wählen Sie dort.
page-a11y-aim = Alle Menschen sollen diese Seiten gut nutzen können.
page-a11y-state-heading = Stand
page-a11y-state = Die Seiten folgen den Regeln BITV 2.0, EN 301 549 und WCAG 2.2, Stufe AA. Das haben wir selbst geprüft.
page-a11y-tested = Ein Programm prüft jede Seite vor jeder neuen Fassung. Alles geht mit der Tastatur allein. Die Seiten brauchen kein JavaScript und merken sich nichts.
page-a11y-limits-heading = Was nicht immer geht
page-a11y-limits = Manche Seiten zeigen Text aus einer Mail. Wie gut dieser Text zu lesen ist, liegt an dem, der ihn schrieb.
page-a11y-contact-heading = Sie stoßen auf ein Hindernis?
page-a11y-contact = Bitte schreiben Sie uns, was nicht geht. Wir antworten Ihnen. Sie können alles auch per Mail erledigen.
page-a11y-complain-heading = Wenn wir nicht helfen
page-a11y-complain = Hat Ihre Schule nicht in sechs Wochen geholfen? Dann hilft die Schlichtungsstelle Ihres Landes. Das kostet nichts. Wo sie ist, steht im Impressum der Schule.

# Antworten an den Server des Absenders, wenn eine Mail wartet.
reply-waits-author = angenommen; wartet auf die Bestätigung des Absenders
reply-waits-moderator = angenommen; wartet auf Freigabe
# Because of bounces: the probe to the address itself, and what the admins read when it fails.
letter-probe-subject = Erreicht Sie die Mail von { $list }?
letter-probe-what = Mail der Liste „{ $list }“ ({ $address }) an Ihre Adresse kam in letzter Zeit mehrmals zurück. Mit dieser Nachricht prüfen wir, ob die Adresse noch gilt.
letter-probe-fine = Wenn Sie das lesen, ist alles in Ordnung. Sie brauchen nichts zu tun.
letter-probe-else = Kommt auch diese Nachricht zurück, schicken wir nichts mehr an diese Adresse, bis die Schule es ändert.
letter-paused-subject = [Verteiler] Eine Adresse bekommt keine Mail mehr
letter-paused-what = Mail an eine Adresse kam mehrmals zurück, zuletzt auch eine Prüfung. Sie bekommt vorerst keine Mail von Listen mehr. Im Verzeichnis wurde nichts geändert.
letter-paused-address = Adresse
letter-paused-list = Liste
letter-paused-said = Antwort des anderen Servers
letter-paused-protected = eine geschützte Person
letter-paused-end = Die Pause endet, wenn im Verzeichnis eine andere Adresse steht, oder mit diesem Befehl:

# An die Verwalter: viele Server lehnen dieselbe Mail ab.
letter-braked-subject = [Verteiler] Viele Server lehnen eine Mail ab: { $list }
letter-braked-what = Viele Server lehnen dieselbe Mail an die Liste „{ $list }“ ab: { $refused } von { $tried } bisher. Das liegt an der Mail oder an unserem Server, nicht an den Empfängern. Die Zustellung an die übrigen { $waiting } wartet deshalb.
letter-braked-gone = Viele Server haben dieselbe Mail an die Liste „{ $list }“ abgelehnt: { $refused } von { $tried }. Das liegt an der Mail oder an unserem Server, nicht an den Empfängern. Alle Exemplare sind schon verschickt, es wartet keines mehr.
letter-braked-list = Liste
letter-braked-id = Nummer
letter-braked-message = Message-ID
letter-braked-said = Das sagen die Anbieter:
letter-braked-policy = wollen keine Mail von uns
letter-braked-content = wollen diese Mail nicht
letter-braked-members = Für die Empfänger hat das keine Folgen: Niemand wird deshalb pausiert.
letter-braked-end = Ist die Ursache behoben, geht es mit dem zweiten Befehl weiter. Diese Mail wird dann nicht noch einmal angehalten. Geschieht nichts, gilt sie am { $until } für alle, die noch warten, als nicht zugestellt.

# Einmal am Tag an die Verwalter: Mail, die zurückkam und nicht verstanden wurde, und Beschwerden.
strange-subject = [Verteiler] Unverstandene Rückläufer und Beschwerden
strange-what = Mails, die zurückkamen und die Verteiler nicht versteht: { $count }. Sie haben für niemanden Folgen. Jede mit Nummer, Liste, Server und Betreff:
strange-complaints = Meldungen bei einem Anbieter, dass Mail einer Liste Spam sei: { $complaints }. Verteiler ändert deshalb nichts. Wer keine Mail mehr will, kann sich auf der Seite der Liste abmelden. Jede mit Nummer, Liste, Server und Betreff:
strange-more = Hier stehen nur die ersten { $most }.
strange-look = So sehen Sie eine davon, und was Verteiler darin liest. Die Mails sind personenbezogen und werden nach 30 Tagen gelöscht:
strange-then = Häufen sich Mails von einem Anbieter, sehen Sie dort oder im Protokoll des Mailservers nach. Diese Nachricht kommt höchstens einmal am Tag.
