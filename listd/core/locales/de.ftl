# Was Menschen lesen: Antworten an Absender (eine Zeile, als ASCII gesendet) und Wörter in Kopfzeilen.
# Dieselben Texte mit denselben Variablen stehen in jeder Sprache; ein Test vergleicht sie.

# Zwischen Name und Liste: "Ayse Yilmaz über Klasse 5b".
from-via = über

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
refused-unsendable = Ihre Mail ist so signiert oder verschlüsselt, dass sie nicht unverändert weitergeleitet werden kann. Bitte senden Sie sie ohne Signatur.
