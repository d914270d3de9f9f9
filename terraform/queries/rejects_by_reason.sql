-- What could not be read, by arrival day and reason (operators only)
SELECT "date", reason, source, record, count(*) AS items, sum(raw_bytes) AS bytes
FROM ${database}.rejects
GROUP BY "date", reason, source, record
ORDER BY "date" DESC, items DESC, reason, source, record
