-- Since when the mail server has put an e-mail off; null where it has not, or has answered it for good.
ALTER TABLE emails ADD COLUMN deferred_since timestamptz;
