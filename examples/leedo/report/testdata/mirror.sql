-- The tables of a mirror, as far as a report reads them.
CREATE TABLE leads (
	id TEXT PRIMARY KEY, name TEXT, email TEXT, company TEXT, phone TEXT, status TEXT,
	created_at TEXT, updated_at TEXT, deleted_at TEXT, seen_at TEXT
);
CREATE TABLE accounts (
	id TEXT PRIMARY KEY, name TEXT, industry TEXT, website TEXT,
	created_at TEXT, updated_at TEXT, deleted_at TEXT, seen_at TEXT
);
CREATE TABLE contacts (
	id TEXT PRIMARY KEY, name TEXT, email TEXT, role TEXT, account_id TEXT,
	created_at TEXT, updated_at TEXT, deleted_at TEXT, seen_at TEXT
);
CREATE TABLE campaigns (
	id TEXT PRIMARY KEY, name TEXT, status TEXT, leads_count INTEGER,
	created_at TEXT, updated_at TEXT, deleted_at TEXT, seen_at TEXT
);
