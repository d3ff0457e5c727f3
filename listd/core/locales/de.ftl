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
refused-not-allowed-some = Nur bestimmte Personen dürfen an { $list } schreiben. Bitte schreiben Sie an { $owner }.
refused-not-yet = { $list } soll moderiert werden ({ $setting }), das geht noch nicht. Bitte schreiben Sie an { $owner }.
refused-unknown = Die Liste { $address } gibt es nicht. Bitte prüfen Sie die Adresse.
refused-signed-long-line = Ihre Mail ist signiert oder verschlüsselt und hat eine Zeile, die zum Weiterleiten zu lang ist. Bitte senden Sie sie ohne Signatur oder als Anhang.
refused-address-shown = { $list } verbirgt die Adressen der Schreibenden, und Ihre steht im Feld { $field } Ihrer Mail. Bitte entfernen Sie sie dort und senden Sie die Mail noch einmal.
refused-attachment-signed = Ihre Mail ist signiert oder verschlüsselt und hat den Anhang { $name }, den { $list } nicht annimmt. Bitte senden Sie sie ohne diesen Anhang.
refused-too-many = Sie haben in kurzer Zeit viele Mails an Schreibende von { $list } geschickt. Bitte warten Sie eine Stunde.
refused-virus = Ihre Mail enthält einen Virus ({ $virus }) und wird nicht verteilt. Bitte prüfen Sie Ihren Rechner, bevor Sie wieder schreiben.
refused-virus-unnamed = Ihre Mail enthält einen Virus und wird nicht verteilt. Bitte prüfen Sie Ihren Rechner, bevor Sie wieder schreiben.
refused-spam = Unser Filter hält Ihre Mail für Spam, darum wird sie nicht an { $list } verteilt. Bitte schreiben Sie sie neu, mit eigenen Worten und ohne Links.
refused-suspect = Unser Filter vermutet Spam in Ihrer Mail, darum wird sie nicht an { $list } verteilt. Bitte schreiben Sie sie neu, mit eigenen Worten und ohne Links, oder fragen Sie die Schule auf anderem Weg.
refused-filter = Unser Mailfilter lässt Ihre Mail nicht zu { $list } durch. Bitte fragen Sie die Schule auf anderem Weg.
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
