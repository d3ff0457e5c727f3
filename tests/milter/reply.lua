-- A refusal in the filter's own words (MI13). The words themselves are looked at behind Postfix.
open(nil, nil, nil)
hello()
envelope()
content()
step("eom", mt.eom(conn), SMFIR_REPLYCODE)
mt.disconnect(conn)
