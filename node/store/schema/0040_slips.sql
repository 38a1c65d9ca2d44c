-- Slips are looked for among all words of names that are about as long: to read them by length and
-- compare each is quicker than to count the pairs of letters that they share, which every new word
-- had to be written down under. What is left of name_part is its sounds.
CREATE INDEX name_word_by_length ON name_word (length(word), word);
CREATE TABLE name_sound (
    sound TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (sound, word)
) WITHOUT ROWID;
INSERT INTO name_sound (sound, word) SELECT part, word FROM name_part WHERE part LIKE '>%';
DROP TABLE name_part;
