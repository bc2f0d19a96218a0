-- Trace of the event that an e-mail tells of; null for those from before.
ALTER TABLE emails ADD COLUMN traceparent text;
