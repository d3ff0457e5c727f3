-- What all scripts need: a connection to the filter on port `port`, and a word where something is not as it should be.

function must(what, is)
    if not is then error(what, 2) end
end

-- A step that must succeed and get this reply.
function step(name, result, reply)
    must(name .. ": " .. tostring(result), result == nil)
    must(name .. ": reply " .. string.char(mt.getreply(conn)), mt.getreply(conn) == reply)
end

function open(version, actions, protocol)
    conn = mt.connect("inet:" .. port .. "@127.0.0.1", 40, 0.05)
    must("connect", conn ~= nil)
    must("negotiate", mt.negotiate(conn, version, actions, protocol) == nil)
end

function hello()
    step("connect", mt.conninfo(conn, "mx.example", "192.0.2.1"), SMFIR_CONTINUE)
    step("helo", mt.helo(conn, "mx.example"), SMFIR_CONTINUE)
end

function envelope()
    mt.macro(conn, SMFIC_MAIL, "i", "1A", "{auth_authen}", "anna")
    step("mail", mt.mailfrom(conn, "<a@x.example>", "SIZE=100"), SMFIR_CONTINUE)
    step("rcpt", mt.rcptto(conn, "<b@y.example>"), SMFIR_CONTINUE)
end

function content()
    step("data", mt.data(conn), SMFIR_CONTINUE)
    step("header", mt.header(conn, "From", "a@x.example"), SMFIR_CONTINUE)
    step("header", mt.header(conn, "Subject", "text"), SMFIR_CONTINUE)
    step("eoh", mt.eoh(conn), SMFIR_CONTINUE)
    step("body", mt.bodystring(conn, "Liebe Eltern,\r\n"), SMFIR_CONTINUE)
end
