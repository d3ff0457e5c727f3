-- GTUBE is rspamd's own. For the other actions a mail asks by a word in its subject.
local function asked(task, word)
  return (task:get_subject() or ''):find(word, 1, true) ~= nil
end

for word, action in pairs({ ['TEST-SOFT-REJECT'] = 'soft reject', ['TEST-GREYLIST'] = 'greylist' }) do
  rspamd_config:register_symbol({
    name = word:gsub('-', '_'), type = 'prefilter', score = 0.0,
    callback = function(task)
      if asked(task, word) then task:set_pre_result(action, 'asked for ' .. action) end
    end,
  })
end

for word, score in pairs({ ['TEST-ADD-HEADER'] = 7.0, ['TEST-REWRITE-SUBJECT'] = 9.0, ['TEST-HAM'] = -3.5 }) do
  rspamd_config:register_symbol({
    name = word:gsub('-', '_'), type = 'normal', score = score,
    callback = function(task) return asked(task, word) end,
  })
end

-- Says in its answer what it was told about the mail.
rspamd_config:register_symbol({
  name = 'TEST_ENVELOPE', type = 'prefilter', score = 0.0,
  callback = function(task)
    if not asked(task, 'TEST-ENVELOPE') then return end
    local from = task:get_from('smtp') or {}
    local sender = from[1] and from[1].addr or 'none'
    local recipients = task:get_recipients('smtp') or {}
    local settings = task:get_request_header("Settings") or task:get_request_header("Settings-ID")
    task:set_pre_result('reject', string.format('ip %s helo %s host %s from %s rcpts %d user %s id %s settings %s size %d',
      tostring(task:get_ip()), tostring(task:get_helo()), tostring(task:get_hostname()), sender, #recipients,
      tostring(task:get_user()), tostring(task:get_queue_id()), tostring(settings), task:get_size()))
  end,
})
