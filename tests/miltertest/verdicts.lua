-- miltertest (OpenDKIM's milter client) against verdictd: each answer, several mails on one connection. Told by tests/t43_hostile_peers.rs.
-- miltertest -D socket=inet:PORT@127.0.0.1 -D gtube=... -D eicar=... -D signature=... -s verdicts.lua

local conn = mt.connect(socket)
if conn == nil then error "no connection" end
if mt.conninfo(conn, "mail.post.example", "192.0.2.25") ~= nil then error "conninfo" end
if mt.getreply(conn) ~= SMFIR_CONTINUE then error "the connection is not taken" end
if mt.helo(conn, "mail.post.example") ~= nil then error "helo" end
if mt.getreply(conn) ~= SMFIR_CONTINUE then error "HELO is not taken" end

-- A mail up to its end; forged headers in it.
local function mail(subject, body)
  mt.macro(conn, SMFIC_MAIL, "i", "4XyzABC")
  mt.mailfrom(conn, "<ayse.oeztuerk@post.example>")
  mt.rcptto(conn, "<klasse-5b@schule.example>")
  mt.data(conn)
  mt.header(conn, "From", "ayse.oeztuerk@post.example")
  mt.header(conn, "Subject", subject)
  mt.header(conn, "X-Virus-Status", "Clean, I swear")
  mt.eoh(conn)
  if mt.getreply(conn) ~= SMFIR_CONTINUE then error "the header is not taken" end
  mt.bodystring(conn, body .. "\r\n")
  mt.eom(conn)
end

local function refused(code, enhanced, text)
  if mt.getreply(conn) ~= SMFIR_REPLYCODE then error("no reply code but " .. tostring(mt.getreply(conn))) end
  if not mt.eom_check(conn, MT_SMTPREPLY, code, enhanced, text) then error("not refused as " .. text) end
end

mail("clean", "Hallo")
if mt.getreply(conn) ~= SMFIR_CONTINUE then error "a clean mail is not taken" end
if not mt.eom_check(conn, MT_HDRDELETE, "x-virus-status") then error "the forged header stays" end
if not mt.eom_check(conn, MT_HDRADD, "X-Virus-Status", " Clean") then error "it is not called clean" end
if not mt.eom_check(conn, MT_HDRADD, "X-Spam-Score", " 0.00") then error "it has no score" end

mail("spam", gtube)
refused("550", "5.7.1", "This message was taken for spam: Gtube pattern")

mail("virus", eicar)
refused("550", "5.7.1", "This message contains malware: " .. signature)

mail("TEST-GREYLIST", "x")
refused("451", "4.7.1", "This sender is not known here yet, try again later")

mail("TEST-ADD-HEADER", "x")
if mt.getreply(conn) ~= SMFIR_CONTINUE then error "spam below the limit is not taken" end
if not mt.eom_check(conn, MT_HDRADD, "X-Spamd-Bar", " +++++++") then error "it has no bar" end

mt.disconnect(conn)
mt.echo("all answers are right")
