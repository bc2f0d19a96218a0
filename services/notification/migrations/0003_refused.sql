-- REFUSED: the mail server refused it for good, in last_error's words; a person may have it tried again. Rows that are
-- there pass the new checks, which allow more than the old ones: they need not be read again.
ALTER TABLE emails
  DROP CONSTRAINT emails_status_check,
  DROP CONSTRAINT emails_check,
  ADD CONSTRAINT emails_status CHECK (status IN ('WAITING', 'SENT', 'REFUSED')) NOT VALID,
  ADD CONSTRAINT emails_next_attempt CHECK ((next_attempt_at IS NOT NULL) = (status = 'WAITING')) NOT VALID,
  ADD CONSTRAINT emails_refusal CHECK (status <> 'REFUSED' OR last_error IS NOT NULL) NOT VALID;
--> statement-breakpoint
-- Those that were never tried and those that are tried again take turns.
CREATE INDEX emails_turn ON emails (least(attempts, 1), next_attempt_at) WHERE next_attempt_at IS NOT NULL;
--> statement-breakpoint
CREATE INDEX emails_refused ON emails (order_id) WHERE status = 'REFUSED';
