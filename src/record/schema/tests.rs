use super::*;

fn check_refused(prepare: impl FnOnce(&Path), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sqlite");
    prepare(&path);
    let before = std::fs::read(&path).ok();
    for refused in [open_writer(&path), open_beside(&path), open_reader(&path)] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(std::fs::read(&path).ok(), before, "the file was touched");
}

#[test]
fn what_is_not_ours_is_refused_and_untouched() {
    check_refused(
        |path| {
            drop(open_writer(path).unwrap());
            let newer = Connection::open(path).unwrap();
            newer
                .pragma_update(None, "user_version", KNOWN + 1)
                .unwrap();
        },
        &format!(
            "was written by a newer flashline (schema {}, this one knows {KNOWN})",
            KNOWN + 1
        ),
    );
    check_refused(
        |path| {
            let other = Connection::open(path).unwrap();
            other
                .execute_batch("CREATE TABLE groceries (name)")
                .unwrap();
        },
        "another program wrote it",
    );
    check_refused(
        |path| std::fs::write(path, "a letter to my aunt, and long enough ".repeat(99)).unwrap(),
        "no SQLite file",
    );
    check_refused(|path| std::fs::create_dir(path).unwrap(), "no regular file");
}

#[test]
fn questions_need_a_database_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sqlite");
    assert!(matches!(
        open_reader(&path),
        Err(RecordError::Absent { .. })
    ));
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    assert!(matches!(
        open_reader(&path),
        Err(RecordError::Foreign { .. })
    ));
    assert!(matches!(
        open_beside(&path),
        Err(RecordError::Foreign { .. })
    ));
}

#[test]
fn a_database_at_rest_is_read_without_files_beside_it_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line 1?mode=rw#50%é.db");
    drop(open_writer(&path).unwrap());
    let jobs: i64 = unchanging(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM job", [], |row| row.get(0))
        .unwrap();
    assert_eq!(jobs, 0);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn the_writer_is_durable_and_keeps_references() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open_writer(&folder.path().join("line.sqlite")).unwrap();
    let answer = |pragma: &str| -> String {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| {
                row.get::<_, rusqlite::types::Value>(0)
            })
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(answer("journal_mode"), r#"Text("wal")"#);
    assert_eq!(answer("synchronous"), "Integer(2)");
    assert_eq!(answer("foreign_keys"), "Integer(1)");
    assert_eq!(answer("user_version"), format!("Integer({KNOWN})"));
}

/// Two jobs of schema 1, one of them open, with all that hangs on them.
const VERSION_1: &str = "
    INSERT INTO bundle VALUES ('abababababababababababababababababababababababababababababababab', 'x', 1);
    INSERT INTO job VALUES (7, '019a3c00-0000-7000-8000-000000000007', '0.1.0', 'bench 1', '3', 'usb-1', 'lamp', '1.0',
        'abababababababababababababababababababababababababababababababab', 1000,
        '24:0a:c4:00:00:01', 1, 'esp32', 301, 40, 'ef4016', 4194304, 0, 0, 0,
        9000, 'FAIL', 'UNPLUGGED', 'gone', 2, 3, 1, 1, 460800, 8192, 1);
    INSERT INTO job (number, job, flashline_version, station, slot, place, product, version,
        bundle_digest, started_ms)
    VALUES (9, '019a3c00-0000-7000-8000-000000000009', '0.1.0', 'bench 1', '4', 'usb-2', 'lamp', '1.0',
        'abababababababababababababababababababababababababababababababab', 2000);
    DELETE FROM job WHERE number = 9;
    INSERT INTO step VALUES (7, 0, 'connect', 1, 0, 5, NULL);
    INSERT INTO region VALUES (7, 0, 'app', 65536, 8192, 'aa', 'bb', NULL);
    INSERT INTO open_unit VALUES ('24:0a:c4:00:00:01', 7);
    INSERT INTO write_off VALUES (1, '24:0a:c4:00:00:01', 7, 'Mei', 'scrapped', 5);
";

#[test]
fn a_database_of_version_1_is_brought_up_to_date_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sqlite");
    let mut old = Connection::open(&path).unwrap();
    migrate(&mut old, &MIGRATIONS[..1]).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    drop(old);
    let before = std::fs::read(&path).unwrap();
    for refused in [open_beside(&path), open_reader(&path)] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("older flashline (schema 1"), "{told}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before, "it was touched");

    let new = open_writer(&path).unwrap();
    let text = |sql: &str| -> String { new.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        text("SELECT concat_ws(' ', number, job, slot, place, started_ms, mac, mac_crc_holds, chip,
            revision, crystal_mhz, flash_id, flash_bytes, flash_encryption, secure_boot,
            download_locked, secure_download, ended_ms, outcome, code, detail, attempts, block_retries,
            rate_retries, connection_retries, baud, bytes_written, bytes_skipped, flash_touched,
            ifnull(serial, 'NULL'), ifnull(features, 'NULL'), ifnull(eui64, 'NULL'), ifnull(written_by, 'NULL'))
            FROM job"),
        "7 019a3c00-0000-7000-8000-000000000007 3 usb-1 1000 24:0a:c4:00:00:01 1 esp32 301 40 ef4016 4194304 \
         0 0 0 0 9000 FAIL UNPLUGGED gone 2 3 1 1 460800 8192 0 1 NULL NULL NULL NULL"
    );
    assert_eq!(
        text(
            "SELECT concat_ws(' ', (SELECT took_us FROM step), (SELECT skipped_bytes FROM region),
            (SELECT unit || job FROM open_unit), (SELECT unit || why FROM write_off))"
        ),
        "5 0 24:0a:c4:00:00:017 24:0a:c4:00:00:01scrapped"
    );
    // references hold, and are held
    assert!(
        !new.prepare("PRAGMA foreign_key_check")
            .unwrap()
            .exists([])
            .unwrap()
    );
    let dangling = new.execute(
        "INSERT INTO step VALUES (8, 0, 'connect', 1, 0, 5, NULL)",
        [],
    );
    assert!(dangling.unwrap_err().to_string().contains("FOREIGN KEY"));
    // a number is never given twice, not even that of a row that is gone
    let next: i64 = new
        .query_row(
            "INSERT INTO job (job, flashline_version, station, slot, place, product, version,
                 bundle_digest, started_ms)
             SELECT 'another', flashline_version, station, slot, place, product, version,
                 bundle_digest, started_ms FROM job RETURNING number",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(next, 10);
    let reader = crate::record::Reader::open(&path).unwrap();
    assert_eq!(
        reader
            .jobs_of(&crate::chip::Mac([0x24, 0x0A, 0xC4, 0, 0, 1]).into())
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn every_earlier_version_is_brought_to_the_schema_of_a_new_database() {
    let schema = |connection: &Connection| -> Vec<String> {
        // text that migrations altered is spaced otherwise
        let sql = "SELECT name || ' ' || (SELECT group_concat(name || type || \"notnull\" || pk)
                   FROM pragma_table_info(sqlite_master.name)) FROM sqlite_master
                   WHERE type = 'table' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let new = open_writer(&folder.path().join("new")).unwrap();
    for version in 1..MIGRATIONS.len() {
        let path = folder.path().join(version.to_string());
        let mut old = Connection::open(&path).unwrap();
        migrate(&mut old, &MIGRATIONS[..1]).unwrap();
        old.execute_batch(VERSION_1).unwrap();
        migrate(&mut old, &MIGRATIONS[..version]).unwrap();
        drop(old);
        let brought = open_writer(&path).unwrap();
        assert_eq!(schema(&brought), schema(&new), "from version {version}");
        let jobs = brought.query_row("SELECT count(*) FROM job", [], |row| row.get(0));
        assert_eq!(jobs, Ok(1_i64), "from version {version}");
    }
}

#[test]
fn what_a_row_may_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sqlite");
    let mut connection = Connection::open(&path).unwrap();
    migrate(&mut connection, &MIGRATIONS[..1]).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    let refused = |change: &str| {
        connection
            .execute(&format!("UPDATE job SET {change}"), [])
            .is_err()
    };
    assert!(!refused("outcome = 'WRITTEN', code = 'NOT_VERIFIED'"));
    assert!(!refused("mac = NULL"));
    for change in [
        "outcome = 'GOOD'",
        "outcome = 'PASS'",
        "code = NULL",
        "ended_ms = NULL",
        "chip = NULL",
        "chip = NULL, secure_download = NULL, mac = '24:0a:c4:00:00:01'",
    ] {
        assert!(refused(change), "{change}");
    }
    let out = |what: &str| {
        let columns = "station, slot, since_ms, who, failures, code, freed_by, freed_ms";
        let sql = format!("INSERT INTO out_of_service ({columns}) VALUES ('b', {what})");
        connection.execute(&sql, []).is_ok()
    };
    for right in [
        "'1', 5, 'li', NULL, NULL, NULL, NULL",
        "NULL, 5, NULL, 3, 'NO_SYNC', 'anna', 9",
    ] {
        assert!(out(right), "{right}");
    }
    for wrong in [
        "'1', 5, NULL, NULL, NULL, NULL, NULL",
        "'1', 5, 'li', 3, 'NO_SYNC', NULL, NULL",
        "'1', 5, NULL, NULL, 'NO_SYNC', NULL, NULL",
        "'1', 5, 'li', NULL, NULL, 'anna', NULL",
    ] {
        assert!(!out(wrong), "{wrong}");
    }
}

#[test]
fn a_migration_that_fails_leaves_the_schema_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = Connection::open(folder.path().join("x.sqlite")).unwrap();
    let broken = ["CREATE TABLE a (x);", "CREATE TABLE b (x); CREATE TABEL c;"];
    migrate(&mut connection, &broken).unwrap_err();
    let tables: String = connection
        .query_row("SELECT group_concat(name) FROM sqlite_master", [], |row| {
            row.get(0)
        })
        .unwrap();
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!((tables.as_str(), version), ("a", 1));

    migrate(&mut connection, &[broken[0], "CREATE TABLE b (x);"]).unwrap();
}
