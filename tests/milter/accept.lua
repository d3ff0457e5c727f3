-- A mail gets through, and another one on the same connection.
open(nil, nil, nil)
hello()
for round = 1, 2 do
    envelope()
    content()
    step("eom", mt.eom(conn), SMFIR_ACCEPT)
    must("no change", not mt.eom_check(conn, MT_HDRADD) and not mt.eom_check(conn, MT_BODYCHANGE))
end
mt.disconnect(conn)
