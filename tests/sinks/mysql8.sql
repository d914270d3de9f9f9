CREATE TABLE healthhub_daily_resilience_summaries (
    user_id CHAR(36) NOT NULL COMMENT 'Pseudonymous person key: the user map''s entry, else a keyed HMAC-SHA-256.', 
    day DATE NOT NULL COMMENT 'Local calendar day the record describes.', 
    level TEXT COMMENT 'limited, adequate, solid, strong or exceptional.', 
    contributors_sleep_recovery NUMERIC(5, 2) COMMENT 'Score for recovery asleep. Unit: points.', 
    contributors_daytime_recovery NUMERIC(5, 2) COMMENT 'Score for recovery by day. Unit: points.', 
    contributors_stress NUMERIC(5, 2) COMMENT 'Score for stress by day. Unit: points.', 
    source_timestamp DATETIME(6) COMMENT 'Always null. Oura sends no timestamp with this document.', 
    document_id CHAR(36) NOT NULL COMMENT 'Oura''s document id; a new analysis of a day may come under another one. Stored as a keyed hash, never as it was sent.', 
    created_at DATETIME NOT NULL DEFAULT (now()), 
    updated_at DATETIME NOT NULL DEFAULT (now()), 
    PRIMARY KEY (user_id, day), 
    CONSTRAINT uq_healthhub_daily_resilience_summaries_user_id_document_id UNIQUE (user_id, document_id)
)CHARSET=utf8mb4 ENGINE=InnoDB COMMENT='Resilience level of a day.';

CREATE INDEX ix_healthhub_daily_resilience_summaries_day ON healthhub_daily_resilience_summaries (day);

CREATE TABLE healthhub_users (
    user_id CHAR(36) NOT NULL, 
    lake_user_id TEXT NOT NULL, 
    oura_pat_alias TEXT COMMENT 'Always null. Tokens are kept where `qol collect` keeps them.', 
    timezone TEXT COMMENT 'Always null. The user map has it, and stays with its operators.', 
    is_active BOOL NOT NULL DEFAULT true, 
    created_at DATETIME NOT NULL DEFAULT (now()), 
    PRIMARY KEY (user_id)
)CHARSET=utf8mb4 ENGINE=InnoDB COMMENT='A user with rows in any of these tables.';
