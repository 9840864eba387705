DROP TABLE person_import_rows;
DROP TABLE person_import_chunks;
DROP TABLE person_imports;
