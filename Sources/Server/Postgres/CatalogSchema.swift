internal import DuckDB
internal import PostgresWire

/// PostgreSQL's system catalog as far as clients look at it, and the functions that they ask it with.
///
/// Object ids are UINTEGER, which clients see as `oid`. Tables of things that a lake has none of stay empty.
enum CatalogSchema {
  /// The database's name.
  static let database = "lakeward"
  /// Object ids of the schemas (`pg_namespace.dat`; the others are free ones).
  static let systemNamespace: UInt32 = 11
  static let publicNamespace: UInt32 = 2200
  static let informationNamespace: UInt32 = 13_000
  /// The object id of the only role.
  static let owner: UInt32 = 10

  /// Statements that make everything that does not depend on the lake's tables.
  static func statements(version: String) -> [String] {
    [tables, emptyTables, fixedRows, typeRows] + macros(version: version) + [informationViews]
  }

  private static let tables = """
    CREATE TYPE regclass AS VARCHAR;
    CREATE TYPE regtype AS VARCHAR;
    CREATE TYPE regproc AS VARCHAR;
    CREATE TYPE regnamespace AS VARCHAR;
    CREATE TYPE regrole AS VARCHAR;
    CREATE TYPE name AS VARCHAR;
    CREATE TYPE xid AS UINTEGER;
    CREATE TABLE pg_namespace(oid UINTEGER, nspname VARCHAR, nspowner UINTEGER, nspacl VARCHAR[]);
    CREATE TABLE pg_class(oid UINTEGER, relname VARCHAR, relnamespace UINTEGER, reltype UINTEGER, reloftype UINTEGER,
      relowner UINTEGER, relam UINTEGER, relfilenode UINTEGER, reltablespace UINTEGER, relpages INTEGER, reltuples FLOAT,
      relallvisible INTEGER, reltoastrelid UINTEGER, relhasindex BOOLEAN, relisshared BOOLEAN, relpersistence VARCHAR,
      relkind VARCHAR, relnatts SMALLINT, relchecks SMALLINT, relhasrules BOOLEAN, relhastriggers BOOLEAN,
      relhassubclass BOOLEAN, relrowsecurity BOOLEAN, relforcerowsecurity BOOLEAN, relispopulated BOOLEAN,
      relreplident VARCHAR, relispartition BOOLEAN, relrewrite UINTEGER, relacl VARCHAR[], reloptions VARCHAR[],
      relpartbound VARCHAR, relhasoids BOOLEAN);
    CREATE TABLE pg_attribute(attrelid UINTEGER, attname VARCHAR, atttypid UINTEGER, attstattarget INTEGER,
      attlen SMALLINT, attnum SMALLINT, attndims INTEGER, atttypmod INTEGER, attnotnull BOOLEAN, atthasdef BOOLEAN,
      atthasmissing BOOLEAN, attidentity VARCHAR, attgenerated VARCHAR, attisdropped BOOLEAN, attislocal BOOLEAN,
      attinhcount INTEGER, attcollation UINTEGER, attstorage VARCHAR, attcompression VARCHAR, attalign VARCHAR,
      attacl VARCHAR[], attoptions VARCHAR[], attfdwoptions VARCHAR[]);
    CREATE TABLE pg_description(objoid UINTEGER, classoid UINTEGER, objsubid INTEGER, description VARCHAR);
    CREATE TABLE pg_type(oid UINTEGER, typname VARCHAR, typnamespace UINTEGER, typowner UINTEGER, typlen SMALLINT,
      typbyval BOOLEAN, typtype VARCHAR, typcategory VARCHAR, typispreferred BOOLEAN, typisdefined BOOLEAN,
      typdelim VARCHAR, typrelid UINTEGER, typelem UINTEGER, typarray UINTEGER, typinput VARCHAR, typoutput VARCHAR,
      typreceive VARCHAR, typsend VARCHAR, typnotnull BOOLEAN, typbasetype UINTEGER, typtypmod INTEGER,
      typndims INTEGER, typcollation UINTEGER, typdefault VARCHAR, sql_name VARCHAR);
    CREATE TABLE pg_database(oid UINTEGER, datname VARCHAR, datdba UINTEGER, encoding INTEGER, datlocprovider VARCHAR,
      datistemplate BOOLEAN, datallowconn BOOLEAN, datconnlimit INTEGER, dattablespace UINTEGER, datcollate VARCHAR,
      datctype VARCHAR, daticulocale VARCHAR, datcollversion VARCHAR, datacl VARCHAR[]);
    CREATE TABLE pg_roles(oid UINTEGER, rolname VARCHAR, rolsuper BOOLEAN, rolinherit BOOLEAN, rolcreaterole BOOLEAN,
      rolcreatedb BOOLEAN, rolcanlogin BOOLEAN, rolreplication BOOLEAN, rolconnlimit INTEGER, rolvaliduntil TIMESTAMPTZ,
      rolbypassrls BOOLEAN);
    CREATE VIEW pg_user AS SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb,
      rolsuper AS usesuper FROM pg_roles;
    CREATE TABLE pg_settings(name VARCHAR, setting VARCHAR, unit VARCHAR, category VARCHAR, short_desc VARCHAR,
      context VARCHAR, vartype VARCHAR, source VARCHAR);
    CREATE TABLE pg_am(oid UINTEGER, amname VARCHAR, amhandler VARCHAR, amtype VARCHAR);
    CREATE TABLE pg_tablespace(oid UINTEGER, spcname VARCHAR, spcowner UINTEGER);
    """

  private static let emptyTables = """
    CREATE TABLE pg_index(indexrelid UINTEGER, indrelid UINTEGER, indnatts SMALLINT, indnkeyatts SMALLINT,
      indisunique BOOLEAN, indnullsnotdistinct BOOLEAN, indisprimary BOOLEAN, indisexclusion BOOLEAN,
      indimmediate BOOLEAN, indisclustered BOOLEAN, indisvalid BOOLEAN, indisready BOOLEAN, indislive BOOLEAN,
      indisreplident BOOLEAN, indkey SMALLINT[], indcollation UINTEGER[], indclass UINTEGER[], indoption SMALLINT[],
      indexprs VARCHAR, indpred VARCHAR);
    CREATE TABLE pg_constraint(oid UINTEGER, conname VARCHAR, connamespace UINTEGER, contype VARCHAR,
      condeferrable BOOLEAN, condeferred BOOLEAN, convalidated BOOLEAN, conrelid UINTEGER, contypid UINTEGER,
      conindid UINTEGER, conparentid UINTEGER, confrelid UINTEGER, confupdtype VARCHAR, confdeltype VARCHAR,
      confmatchtype VARCHAR, conislocal BOOLEAN, coninhcount INTEGER, connoinherit BOOLEAN, conkey SMALLINT[],
      confkey SMALLINT[], conexclop UINTEGER[], conbin VARCHAR);
    CREATE TABLE pg_attrdef(oid UINTEGER, adrelid UINTEGER, adnum SMALLINT, adbin VARCHAR);
    CREATE TABLE pg_inherits(inhrelid UINTEGER, inhparent UINTEGER, inhseqno INTEGER, inhdetachpending BOOLEAN);
    CREATE TABLE pg_collation(oid UINTEGER, collname VARCHAR, collnamespace UINTEGER, collprovider VARCHAR,
      collcollate VARCHAR, collctype VARCHAR);
    CREATE TABLE pg_proc(oid UINTEGER, proname VARCHAR, pronamespace UINTEGER, proowner UINTEGER, prolang UINTEGER,
      prokind VARCHAR, proretset BOOLEAN, provolatile VARCHAR, pronargs SMALLINT, prorettype UINTEGER,
      proargtypes UINTEGER[], proallargtypes UINTEGER[], proargmodes VARCHAR[], proargnames VARCHAR[], prosrc VARCHAR);
    CREATE TABLE pg_enum(oid UINTEGER, enumtypid UINTEGER, enumsortorder FLOAT, enumlabel VARCHAR);
    CREATE TABLE pg_range(rngtypid UINTEGER, rngsubtype UINTEGER, rngmultitypid UINTEGER);
    CREATE TABLE pg_sequence(seqrelid UINTEGER, seqtypid UINTEGER, seqstart BIGINT, seqincrement BIGINT, seqmax BIGINT,
      seqmin BIGINT, seqcache BIGINT, seqcycle BOOLEAN);
    CREATE TABLE pg_policy(oid UINTEGER, polname VARCHAR, polrelid UINTEGER, polcmd VARCHAR, polpermissive BOOLEAN,
      polroles UINTEGER[], polqual VARCHAR, polwithcheck VARCHAR);
    CREATE TABLE pg_statistic_ext(oid UINTEGER, stxrelid UINTEGER, stxname VARCHAR, stxnamespace UINTEGER,
      stxowner UINTEGER, stxstattarget INTEGER, stxkeys SMALLINT[], stxkind VARCHAR[], stxexprs VARCHAR);
    CREATE TABLE pg_publication(oid UINTEGER, pubname VARCHAR, pubowner UINTEGER, puballtables BOOLEAN);
    CREATE TABLE pg_publication_rel(oid UINTEGER, prpubid UINTEGER, prrelid UINTEGER, prqual VARCHAR, prattrs SMALLINT[]);
    CREATE TABLE pg_publication_namespace(oid UINTEGER, pnpubid UINTEGER, pnnspid UINTEGER);
    CREATE TABLE pg_trigger(oid UINTEGER, tgrelid UINTEGER, tgname VARCHAR, tgfoid UINTEGER, tgtype SMALLINT,
      tgenabled VARCHAR, tgisinternal BOOLEAN, tgparentid UINTEGER, tgconstraint UINTEGER);
    CREATE TABLE pg_rewrite(oid UINTEGER, rulename VARCHAR, ev_class UINTEGER, ev_type VARCHAR, ev_enabled VARCHAR);
    CREATE TABLE pg_depend(classid UINTEGER, objid UINTEGER, objsubid INTEGER, refclassid UINTEGER, refobjid UINTEGER,
      refobjsubid INTEGER, deptype VARCHAR);
    CREATE TABLE pg_extension(oid UINTEGER, extname VARCHAR, extowner UINTEGER, extnamespace UINTEGER,
      extversion VARCHAR);
    CREATE TABLE pg_foreign_table(ftrelid UINTEGER, ftserver UINTEGER, ftoptions VARCHAR[]);
    CREATE TABLE pg_foreign_server(oid UINTEGER, srvname VARCHAR);
    CREATE TABLE pg_partitioned_table(partrelid UINTEGER, partstrat VARCHAR, partattrs SMALLINT[]);
    CREATE TABLE pg_auth_members(roleid UINTEGER, member UINTEGER, grantor UINTEGER, admin_option BOOLEAN);
    CREATE TABLE pg_shdescription(objoid UINTEGER, classoid UINTEGER, description VARCHAR);
    CREATE TABLE pg_language(oid UINTEGER, lanname VARCHAR);
    CREATE TABLE pg_opclass(oid UINTEGER, opcname VARCHAR, opcdefault BOOLEAN);
    CREATE TABLE pg_stat_activity(pid INTEGER, datname VARCHAR, usename VARCHAR, state VARCHAR, query VARCHAR);
    CREATE VIEW pg_matviews AS SELECT relname AS matviewname, 'public' AS schemaname FROM pg_class WHERE false;
    CREATE VIEW pg_views AS SELECT 'public' AS schemaname, relname AS viewname, '' AS viewowner, '' AS definition
      FROM pg_class WHERE false;
    CREATE VIEW pg_tables AS SELECT 'public' AS schemaname, relname AS tablename, 'lakeward' AS tableowner,
      NULL::VARCHAR AS tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
      FROM pg_class WHERE relkind = 'r';
    """

  private static let fixedRows = """
    INSERT INTO pg_namespace VALUES (\(systemNamespace), 'pg_catalog', \(owner), NULL),
      (\(publicNamespace), 'public', \(owner), NULL), (\(informationNamespace), 'information_schema', \(owner), NULL);
    INSERT INTO pg_database VALUES (16000, '\(database)', \(owner), 6, 'c', false, true, -1, 1663, 'C.UTF-8', 'C.UTF-8',
      NULL, NULL, NULL);
    INSERT INTO pg_roles VALUES (\(owner), 'lakeward', false, true, false, false, true, false, -1, NULL, false);
    INSERT INTO pg_am VALUES (2, 'heap', 'heap_tableam_handler', 't');
    INSERT INTO pg_tablespace VALUES (1663, 'pg_default', \(owner));
    INSERT INTO pg_collation VALUES (100, 'default', \(systemNamespace), 'd', NULL, NULL);
    INSERT INTO pg_settings(name, setting, vartype) VALUES ('max_index_keys', '32', 'integer'),
      ('standard_conforming_strings', 'on', 'bool'), ('server_encoding', 'UTF8', 'string'),
      ('default_transaction_read_only', 'on', 'bool');
    """

  private static var typeRows: String {
    let entries = WireType.all.flatMap { entry -> [String] in
      let isText = entry.category == "S"
      func row(_ oid: UInt32, _ name: String, _ size: Int16, _ category: String, _ element: UInt32, _ array: UInt32)
        -> String
      {
        let isArray = element != 0
        let sqlName = entry.sqlName + (isArray ? "[]" : "")
        return
          "(\(oid), '\(name)', \(systemNamespace), \(owner), \(size), \(size > 0 && size <= 8), 'b', '\(category)', false, "
          + "true, ',', 0, \(element), \(array), '\(isArray ? "pg_catalog.array_in" : name + "in")', '', '', '', false, "
          + "0, -1, 0, \(isText ? 100 : 0), NULL, '\(sqlName)')"
      }
      return [
        row(entry.type.oid, entry.name, entry.type.size, entry.category, 0, entry.arrayOid),
        row(entry.arrayOid, "_" + entry.name, -1, "A", entry.type.oid, 0),
      ]
    }
    let name =
      "(19, 'name', \(systemNamespace), \(owner), 64, false, 'b', 'S', false, true, ',', 0, 0, 0, 'namein', '', '', '', "
      + "false, 0, -1, 0, 100, NULL, 'name')"
    return "INSERT INTO pg_type VALUES \((entries + [name]).joined(separator: ", "))"
  }

  private static let informationViews = """
    CREATE VIEW information_schema_schemata AS SELECT '\(database)' AS catalog_name, nspname AS schema_name,
      'lakeward' AS schema_owner FROM pg_namespace;
    CREATE VIEW information_schema_tables AS SELECT '\(database)' AS table_catalog, n.nspname AS table_schema,
      c.relname AS table_name, 'BASE TABLE' AS table_type, 'NO' AS is_insertable_into, 'NO' AS is_typed
      FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid;
    CREATE VIEW information_schema_columns AS SELECT '\(database)' AS table_catalog, n.nspname AS table_schema,
      c.relname AS table_name, a.attname AS column_name, a.attnum::INTEGER AS ordinal_position,
      NULL::VARCHAR AS column_default, if(a.attnotnull, 'NO', 'YES') AS is_nullable,
      if(t.typelem = 0, t.sql_name, 'ARRAY') AS data_type, NULL::INTEGER AS character_maximum_length,
      NULL::INTEGER AS character_octet_length,
      CASE t.typname WHEN 'numeric' THEN (a.atttypmod - 4) >> 16 WHEN 'int8' THEN 64 WHEN 'int4' THEN 32
        WHEN 'int2' THEN 16 WHEN 'float8' THEN 53 WHEN 'float4' THEN 24 END AS numeric_precision,
      CASE t.typname WHEN 'numeric' THEN (a.atttypmod - 4) & 65535 WHEN 'int8' THEN 0 WHEN 'int4' THEN 0
        WHEN 'int2' THEN 0 END AS numeric_scale,
      if(t.typcategory = 'D', 6, NULL) AS datetime_precision, '\(database)' AS udt_catalog, 'pg_catalog' AS udt_schema,
      t.typname AS udt_name, 'NO' AS is_identity, NULL::VARCHAR AS identity_generation, 'NEVER' AS is_generated,
      'NO' AS is_updatable, NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_name
      FROM pg_attribute a JOIN pg_class c ON a.attrelid = c.oid JOIN pg_namespace n ON c.relnamespace = n.oid
      JOIN pg_type t ON a.atttypid = t.oid;
    CREATE VIEW information_schema_views AS SELECT table_catalog, table_schema, table_name, '' AS view_definition
      FROM information_schema_tables WHERE false;
    CREATE TABLE information_schema_table_constraints(constraint_catalog VARCHAR, constraint_schema VARCHAR,
      constraint_name VARCHAR, table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, constraint_type VARCHAR);
    CREATE TABLE information_schema_key_column_usage(constraint_catalog VARCHAR, constraint_schema VARCHAR,
      constraint_name VARCHAR, table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, column_name VARCHAR,
      ordinal_position INTEGER, position_in_unique_constraint INTEGER);
    CREATE TABLE information_schema_referential_constraints(constraint_catalog VARCHAR, constraint_schema VARCHAR,
      constraint_name VARCHAR, unique_constraint_catalog VARCHAR, unique_constraint_schema VARCHAR,
      unique_constraint_name VARCHAR, match_option VARCHAR, update_rule VARCHAR, delete_rule VARCHAR);
    CREATE TABLE information_schema_constraint_column_usage(table_catalog VARCHAR, table_schema VARCHAR,
      table_name VARCHAR, column_name VARCHAR, constraint_catalog VARCHAR, constraint_schema VARCHAR,
      constraint_name VARCHAR);
    CREATE TABLE information_schema_routines(specific_name VARCHAR, routine_schema VARCHAR, routine_name VARCHAR,
      routine_type VARCHAR, data_type VARCHAR);
    CREATE TABLE information_schema_parameters(specific_name VARCHAR, parameter_name VARCHAR, data_type VARCHAR,
      ordinal_position INTEGER, parameter_mode VARCHAR);
    """

  /// A macro's own tables have names that no client's query gives its tables: arguments are put in as text.
  private static func macros(version: String) -> [String] {
    let scalars: [(String, String)] = [
      ("version()", SQL.quote(literal: version)),
      ("current_database()", "'\(database)'"), ("current_schema()", "'public'"),
      ("current_schemas(implicit)", "if(implicit, ['pg_catalog', 'public'], ['public'])"),
      ("pg_get_userbyid(role)", "'lakeward'"), ("pg_table_is_visible(relation)", "true"),
      ("pg_type_is_visible(type)", "true"), ("pg_function_is_visible(function)", "true"),
      ("pg_collation_is_visible(collation_oid)", "true"), ("pg_relation_is_publishable(relation)", "false"),
      ("pg_get_expr(tree, relation, pretty := false)", "tree"), ("pg_get_viewdef(relation, pretty := false)", "''"),
      ("pg_get_constraintdef(item, pretty := false)", "''"), ("pg_get_indexdef(item, col := 0, pretty := false)", "''"),
      ("pg_get_statisticsobjdef_columns(item)", "''"), ("pg_get_serial_sequence(relation, col)", "NULL::VARCHAR"),
      ("pg_get_function_result(item)", "''"), ("pg_get_function_arguments(item)", "''"),
      ("pg_get_function_identity_arguments(item)", "''"), ("pg_get_partkeydef(item)", "NULL::VARCHAR"),
      ("pg_encoding_to_char(encoding)", "'UTF8'"), ("pg_is_in_recovery()", "true"), ("pg_backend_pid()", "0"),
      ("pg_relation_size(relation)", "0"), ("pg_total_relation_size(relation)", "0"), ("pg_table_size(relation)", "0"),
      ("pg_database_size(item)", "0"), ("pg_tablespace_location(item)", "''"),
      ("pg_size_pretty(size)", "size || ' bytes'"),
      ("pg_postmaster_start_time()", "now()"),
      ("has_schema_privilege(a, b, c := '')", "true"), ("has_table_privilege(a, b, c := '')", "true"),
      ("has_database_privilege(a, b, c := '')", "true"), ("has_column_privilege(a, b, c, d := '')", "true"),
      ("has_any_column_privilege(a, b, c := '')", "true"), ("pg_has_role(a, b, c := '')", "true"),
      (
        "quote_ident(word)",
        #"if(regexp_full_match(word, '[a-z_][a-z0-9_]*'), word, '"' || replace(word, '"', '""') || '"')"#
      ),
      (
        "obj_description(item, catalog_name := 'pg_class')",
        "(SELECT inner_d.description FROM pg_description inner_d WHERE inner_d.objoid = item AND inner_d.objsubid = 0)"
      ),
      (
        "col_description(item, col)",
        "(SELECT inner_d.description FROM pg_description inner_d WHERE inner_d.objoid = item AND inner_d.objsubid = col)"
      ),
      ("shobj_description(item, catalog_name)", "NULL::VARCHAR"),
      (
        "format_type(type, modifier)",
        """
        (SELECT inner_t.sql_name || CASE WHEN inner_t.oid = 1700 AND modifier > 4
          THEN '(' || ((modifier - 4) >> 16) || ',' || ((modifier - 4) & 65535) || ')' ELSE '' END
          FROM pg_type inner_t WHERE inner_t.oid = type)
        """
      ),
      (
        "regclass_oid(word)",
        """
        coalesce(try_cast(word AS UINTEGER), CASE replace(word::VARCHAR, 'pg_catalog.', '') WHEN 'pg_class' THEN 1259
          WHEN 'pg_type' THEN 1247 WHEN 'pg_namespace' THEN 2615 WHEN 'pg_database' THEN 1262 WHEN 'pg_proc' THEN 1255
          WHEN 'pg_constraint' THEN 2606 ELSE (SELECT inner_c.oid FROM pg_class inner_c
          WHERE inner_c.relname = replace(regexp_replace(word::VARCHAR, '^"?public"?[.]', ''), '"', '')) END)::UINTEGER
        """
      ),
      ("to_regclass(word)", "regclass_oid(word)"),
      (
        "to_regtype(word)",
        "(SELECT inner_t.oid FROM pg_type inner_t WHERE inner_t.typname = word OR inner_t.sql_name = word)"
      ),
      ("array_upper(list, dimension)", "nullif(len(list), 0)"),
      ("array_lower(list, dimension)", "if(len(list) > 0, 1, NULL)"),
      ("_pg_expandarray(list)", "{'x': list[1], 'n': 1}"),
      ("set_config(setting, value, local)", "value"), ("txid_current()", "1::BIGINT"),
      ("inet_server_addr()", "NULL::VARCHAR"),
    ]
    return scalars.map { "CREATE MACRO \($0.0) AS \($0.1)" } + [
      "CREATE MACRO pg_get_keywords() AS TABLE SELECT unnest(['ilike', 'limit', 'offset']) AS word, 'R' AS catcode",
      "CREATE MACRO string_to_array(value, separator) AS string_split(value, separator)",
    ]
  }
}
