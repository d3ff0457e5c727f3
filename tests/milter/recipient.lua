-- One recipient is refused, the mail goes on (MI10).
open(nil, nil, nil)
hello()
step("mail", mt.mailfrom(conn, "<>"), SMFIR_CONTINUE)
step("rcpt", mt.rcptto(conn, "<nobody@y.example>"), SMFIR_REJECT)
step("rcpt", mt.rcptto(conn, "<b@y.example>"), SMFIR_CONTINUE)
content()
step("eom", mt.eom(conn), SMFIR_ACCEPT)
mt.disconnect(conn)
