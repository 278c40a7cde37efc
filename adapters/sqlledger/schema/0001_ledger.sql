-- Times are microseconds since 1970 in UTC, 0 for none. States are numbers, see state.go.
-- "secret" columns are sealed, see seal.go. There are no foreign keys on the way of an event: one
-- writer keeps the tables in step, and each would cost a look-up per row.

-- By what a wrong key and another schema are recognised.
CREATE TABLE lock (
  name  TEXT NOT NULL PRIMARY KEY,
  value {blob} NOT NULL
);

-- A resource, by its newest version. One without version and body stands for a subject that
-- was never kept. rev counts versions: it tells two of them apart when the feed does not.
CREATE TABLE resource (
  id          {id},
  ref         TEXT NOT NULL UNIQUE,
  version     TEXT NOT NULL,
  updated_at  BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  digest      {blob},
  rev         BIGINT NOT NULL,
  source      BIGINT NOT NULL,
  fetched_at  BIGINT NOT NULL,
  deleted     BIGINT NOT NULL,
  visited     BIGINT NOT NULL DEFAULT 0,
  body        {blob}
);

-- Which visits that take place go back to an appointment, whose row says so (resource.visited), and from which version of it they
-- were planned if that was not the kept one.
CREATE TABLE visit (
  appointment_id BIGINT NOT NULL,
  encounter      TEXT NOT NULL,
  version        TEXT NOT NULL,
  updated_at     BIGINT NOT NULL,
  PRIMARY KEY (appointment_id, encounter)
) {clustered};

-- Stored in the order of its subject, so that a subject's plan is one place and new subjects are
-- written at the end. Subject 0 is "about nothing": answers to replies. What makes the occasion
-- new may be the id of a patient's message, and that holds a number: it is in secret.
CREATE TABLE notification (
  subject_id   BIGINT NOT NULL,
  key          TEXT NOT NULL,
  state        BIGINT NOT NULL,
  reason       TEXT NOT NULL,
  priority     BIGINT NOT NULL,
  due_at       BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  journey      TEXT NOT NULL,
  step         TEXT NOT NULL,
  patient      TEXT NOT NULL,
  recipient    TEXT NOT NULL,
  flags        BIGINT NOT NULL,
  secret       {blob} NOT NULL,
  planned_at   BIGINT NOT NULL,
  tries        BIGINT NOT NULL DEFAULT 0,
  attempt      BIGINT NOT NULL DEFAULT 0,
  postponed_at BIGINT NOT NULL DEFAULT 0,
  told_at      BIGINT NOT NULL DEFAULT 0,
  closed_at    BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (subject_id, key)
) {clustered};

CREATE INDEX notification_due ON notification (priority, due_at) WHERE state = 0;
-- "< 1" and not "= 0", or SQLite would compare each subject that a statement is given with it, and plan the statement anew for each.
CREATE INDEX notification_alone ON notification (patient) WHERE subject_id < 1;

-- Which subjects concern a patient, for the trace.
CREATE TABLE about (
  patient    TEXT NOT NULL,
  subject_id BIGINT NOT NULL,
  PRIMARY KEY (patient, subject_id)
) {clustered};

-- Who acts for a patient, or once did.
CREATE TABLE kin (
  patient TEXT NOT NULL,
  person  TEXT NOT NULL,
  PRIMARY KEY (patient, person)
) {clustered};

-- Consents about messages that are kept of a patient, or once were.
CREATE TABLE consent (
  patient TEXT NOT NULL,
  ref     TEXT NOT NULL,
  PRIMARY KEY (patient, ref)
) {clustered};

-- One try of a notification. previous is the one before it. token is the attempt's id, message is
-- the provider's (secret). What is looked for by name is found by a number made of it (token_at,
-- message_at, number_at) and then compared in full. open_since is set while nobody knows what became of it.
CREATE TABLE attempt (
  id              {id},
  token           TEXT NOT NULL,
  token_at        BIGINT NOT NULL,
  subject_id      BIGINT NOT NULL,
  key             TEXT NOT NULL,
  previous        BIGINT NOT NULL,
  state           BIGINT NOT NULL,
  channel         TEXT NOT NULL,
  template        TEXT NOT NULL,
  language        TEXT NOT NULL,
  actions         TEXT NOT NULL,
  awaits          BIGINT NOT NULL,
  subject_version TEXT NOT NULL,
  number_at       BIGINT NOT NULL,
  secret          {blob} NOT NULL,
  begun_at        BIGINT NOT NULL,
  open_since      BIGINT,
  code            TEXT NOT NULL DEFAULT '',
  message         {blob},
  message_at      BIGINT,
  unknown_at      BIGINT NOT NULL DEFAULT 0,
  accepted_at     BIGINT NOT NULL DEFAULT 0,
  sent_at         BIGINT NOT NULL DEFAULT 0,
  delivered_at    BIGINT NOT NULL DEFAULT 0,
  read_at         BIGINT NOT NULL DEFAULT 0,
  failed_at       BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX attempt_token ON attempt (token_at);
CREATE INDEX attempt_message ON attempt (message_at) WHERE message_at IS NOT NULL;
CREATE INDEX attempt_number ON attempt (number_at, begun_at);
CREATE INDEX attempt_open ON attempt (state, open_since) WHERE open_since IS NOT NULL;

-- What is said once, whatever it is about, and the key of the notification that says it. name is a blind digest.
CREATE TABLE once (
  name {blob} NOT NULL PRIMARY KEY,
  key  TEXT NOT NULL
) {clustered};

-- A subject may concern several patients, and each decides.
CREATE TABLE answer (
  subject_id BIGINT NOT NULL,
  patient    TEXT NOT NULL,
  action     TEXT NOT NULL,
  occasion   TEXT NOT NULL,
  was        TEXT NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (subject_id, patient)
) {clustered};

-- A number that wrote to us, by its blind digest; or a person whose number nobody knows, by that of the
-- provider's id, until it is known. word_at is the provider's time of its last STOP or
-- START, 0 for none, and stopped is 1 if that was STOP. language is the one that was chosen, by the provider's time
-- chosen_at. disowns is 1 if there are rows in disowned. absent_at is when the provider last said that it is not on
-- WhatsApp, 0 for never; a number of which there is only that has not written, and heard_at is 0. unverified_at is since when it
-- may be somebody else's, 0 for no doubt, and identity (secret) the provider's key of who has it, which is known, or
-- known to be none any more, since identity_at. guesses is how often a person whose number
-- nobody knows was wrong about who they are, and strangers about the owner of a number.
CREATE TABLE sender (
  number    {blob} NOT NULL PRIMARY KEY,
  heard_at  BIGINT NOT NULL,
  word_at   BIGINT NOT NULL DEFAULT 0,
  stopped   BIGINT NOT NULL DEFAULT 0,
  language  TEXT NOT NULL DEFAULT '',
  chosen_at BIGINT NOT NULL DEFAULT 0,
  disowns   BIGINT NOT NULL DEFAULT 0,
  absent_at BIGINT NOT NULL DEFAULT 0,
  unverified_at BIGINT NOT NULL DEFAULT 0,
  identity  {blob},
  identity_at BIGINT NOT NULL DEFAULT 0,
  guesses   BIGINT NOT NULL DEFAULT 0
) {clustered};

-- Patients of whom the owner of a number has said that the number is not theirs.
CREATE TABLE disowned (
  number  {blob} NOT NULL,
  patient TEXT NOT NULL,
  PRIMARY KEY (number, patient)
) {clustered};

-- Numbers of which there are several forms, by their blind digests: all forms of a number have the same
-- owner, which is the digest of one of them. secret is the number, dialled is 1 if messages were sent to it.
CREATE TABLE alias (
  number  {blob} NOT NULL PRIMARY KEY,
  owner   {blob} NOT NULL,
  dialled BIGINT NOT NULL,
  secret  {blob} NOT NULL
) {clustered};

CREATE INDEX alias_owner ON alias (owner);

-- The provider's id of a person, by its blind digest, and the number it goes with (secret).
CREATE TABLE person (
  handle {blob} NOT NULL PRIMARY KEY,
  secret {blob} NOT NULL
) {clustered};

-- What was heard. name is the blind digest of the provider's id, which is in secret.
CREATE TABLE reply (
  name        {blob} NOT NULL PRIMARY KEY,
  channel     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  sent_at     BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  heard_at    BIGINT NOT NULL,
  how         TEXT NOT NULL,
  attempt     TEXT NOT NULL,
  subject     TEXT NOT NULL,
  patient     TEXT NOT NULL,
  reading     TEXT NOT NULL,
  handoff     TEXT NOT NULL,
  secret      {blob} NOT NULL
) {clustered};

-- Answers of patients to who they are, for documents about a subject. reply is as in reply.name.
CREATE TABLE identity (
  patient    TEXT NOT NULL,
  subject_id BIGINT NOT NULL,
  reply      {blob} NOT NULL,
  passed     BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (patient, subject_id, reply)
) {clustered};

-- Writes that are owed, and those that were given up. queue_at is made of the name of the order
-- queue. ready_at is set on the first of each queue only: the time from which it may be tried. rev counts how
-- often a newer one has taken the place of a write that follows something. begun_at is when a try was begun of which
-- nobody knows how it ended, 0 for none; refused_at since when the server does not let us write it, 0 if it does.
CREATE TABLE owed (
  id         {id},
  name       {blob} NOT NULL UNIQUE,
  key        TEXT NOT NULL,
  sink       TEXT NOT NULL,
  queue_at   BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  type       TEXT NOT NULL,
  state      BIGINT NOT NULL,
  reason     TEXT NOT NULL,
  tries      BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ready_at   BIGINT,
  rev        BIGINT NOT NULL DEFAULT 0,
  begun_at   BIGINT NOT NULL DEFAULT 0,
  refused_at BIGINT NOT NULL DEFAULT 0,
  secret     {blob} NOT NULL
);

CREATE INDEX owed_given_up ON owed (id) WHERE state = 1;
CREATE INDEX owed_queue ON owed (sink, queue_at, id) WHERE state = 0;
CREATE INDEX owed_ready ON owed (sink, ready_at) WHERE ready_at IS NOT NULL;

-- Writes that are done, for ever: none happens twice. name is a digest of the key.
CREATE TABLE written (
  name    {blob} NOT NULL PRIMARY KEY,
  ref     TEXT NOT NULL,
  done_at BIGINT NOT NULL
) {clustered};

CREATE TABLE parked (
  topic     TEXT NOT NULL,
  part      BIGINT NOT NULL,
  place     BIGINT NOT NULL,
  ref       TEXT NOT NULL,
  reason    TEXT NOT NULL,
  tries     BIGINT NOT NULL,
  since_at  BIGINT NOT NULL,
  retry_at  BIGINT NOT NULL,
  secret    {blob} NOT NULL,
  PRIMARY KEY (topic, part, place, ref)
) {clustered};

CREATE INDEX parked_since ON parked (since_at, retry_at);

-- Counts for metrics, kept up to date by every transaction.
CREATE TABLE tally (
  kind   TEXT NOT NULL,
  name   TEXT NOT NULL,
  reason TEXT NOT NULL,
  n      BIGINT NOT NULL,
  PRIMARY KEY (kind, name, reason)
) {clustered};

-- What the provider last said of a template of ours.
CREATE TABLE template (
  name     TEXT NOT NULL,
  language TEXT NOT NULL,
  status   TEXT NOT NULL,
  at       BIGINT NOT NULL,
  PRIMARY KEY (name, language)
) {clustered};
