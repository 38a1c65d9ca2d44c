-- Rows that were seen before are kept otherwise; what is kept of them is found out anew.
DELETE FROM seen_row;
