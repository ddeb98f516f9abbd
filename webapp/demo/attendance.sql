-- An attendance system's database as Django makes it on SQLite: synthetic, for the demo and for tests.
-- No column has a default; references are checked at the end of a transaction and nothing cascades, because
-- defaults and cascades of such an application live in its Python code. The numbers of an attendance record are text.

CREATE TABLE "django_migrations" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "app" varchar(255) NOT NULL,
  "name" varchar(255) NOT NULL,
  "applied" datetime NOT NULL
);

CREATE TABLE "django_session" (
  "session_key" varchar(40) NOT NULL PRIMARY KEY,
  "session_data" text NOT NULL,
  "expire_date" datetime NOT NULL
);

CREATE TABLE "django_content_type" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "app_label" varchar(100) NOT NULL,
  "model" varchar(100) NOT NULL
);
CREATE UNIQUE INDEX "django_content_type_app_label_model_uniq" ON "django_content_type" ("app_label", "model");

CREATE TABLE "auth_permission" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
  "codename" varchar(100) NOT NULL,
  "name" varchar(255) NOT NULL
);
CREATE UNIQUE INDEX "auth_permission_content_type_id_codename_uniq" ON "auth_permission" ("content_type_id", "codename");

CREATE TABLE "auth_group" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(150) NOT NULL UNIQUE
);

CREATE TABLE "auth_group_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_uniq" ON "auth_group_permissions" ("group_id", "permission_id");

CREATE TABLE "core_company" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(255) NOT NULL UNIQUE,
  "created_at" datetime NOT NULL
);

CREATE TABLE "core_user" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "password" varchar(128) NOT NULL,
  "last_login" datetime NULL,
  "is_superuser" bool NOT NULL,
  "username" varchar(150) NOT NULL UNIQUE,
  "first_name" varchar(150) NOT NULL,
  "last_name" varchar(150) NOT NULL,
  "email" varchar(254) NOT NULL,
  "is_staff" bool NOT NULL,
  "is_active" bool NOT NULL,
  "date_joined" datetime NOT NULL,
  "role" varchar(10) NOT NULL,
  "company_id" bigint NULL REFERENCES "core_company" ("id") DEFERRABLE INITIALLY DEFERRED,
  "assigned_date_from" date NULL,
  "assigned_date_to" date NULL
);

CREATE TABLE "core_user_groups" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL REFERENCES "core_user" ("id") DEFERRABLE INITIALLY DEFERRED,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "core_user_groups_user_id_group_id_uniq" ON "core_user_groups" ("user_id", "group_id");

CREATE TABLE "core_user_user_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL REFERENCES "core_user" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "core_user_user_permissions_user_id_permission_id_uniq" ON "core_user_user_permissions" ("user_id", "permission_id");

CREATE TABLE "contractors" (
  "contractor_code" integer NOT NULL PRIMARY KEY,
  "contractor_name" varchar(255) NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL
);

CREATE TABLE "plants" (
  "plant_code" varchar(50) NOT NULL PRIMARY KEY,
  "plant_name" varchar(255) NOT NULL,
  "sector_name" varchar(100) NOT NULL,
  "site_code" varchar(50) NOT NULL,
  "site_desc" varchar(255) NOT NULL,
  "created_at" datetime NOT NULL
);

CREATE TABLE "employees" (
  "ep_no" varchar(12) NOT NULL PRIMARY KEY,
  "ep_name" varchar(255) NOT NULL,
  "sector_name" varchar(100) NOT NULL,
  "plant_name" varchar(100) NOT NULL,
  "department_name" varchar(100) NOT NULL,
  "trade_name" varchar(100) NOT NULL,
  "skill" varchar(50) NOT NULL,
  "card_category" varchar(50) NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "contractor_id" integer NOT NULL REFERENCES "contractors" ("contractor_code") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "core_employeeassignment" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "ep_no" varchar(50) NOT NULL,
  "ep_name" varchar(255) NOT NULL,
  "access_from" date NULL,
  "access_to" date NULL,
  "assigned_at" datetime NOT NULL,
  "source" varchar(10) NOT NULL,
  "is_active" bool NOT NULL,
  "assigned_by_id" bigint NULL REFERENCES "core_user" ("id") DEFERRABLE INITIALLY DEFERRED,
  "company_id" bigint NOT NULL REFERENCES "core_company" ("id") DEFERRABLE INITIALLY DEFERRED,
  "user_id" bigint NOT NULL REFERENCES "core_user" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "core_attendancerecord" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "ep_no" varchar(50) NOT NULL,
  "ep_name" varchar(255) NOT NULL,
  "date" date NOT NULL,
  "shift" varchar(50) NOT NULL,
  "overstay" varchar(50) NOT NULL,
  "status" varchar(10) NOT NULL,
  "in_time" time NULL,
  "out_time" time NULL,
  "in_time_2" time NULL,
  "out_time_2" time NULL,
  "in_time_3" time NULL,
  "out_time_3" time NULL,
  "overtime" time NULL,
  "overtime_to_mandays" varchar(20) NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "company_id" bigint NOT NULL REFERENCES "core_company" ("id") DEFERRABLE INITIALLY DEFERRED,
  "hours" varchar(20) NOT NULL,
  "cont_code" varchar(50) NOT NULL,
  "trade" varchar(100) NOT NULL,
  "contract" varchar(100) NOT NULL,
  "mandays" decimal NULL,
  "regular_manday_hr" varchar(20) NOT NULL,
  "ot" varchar(20) NOT NULL,
  "actual_overstay" varchar(20) NOT NULL,
  "approved_overtime" varchar(20) NOT NULL,
  "approved_regular_manday_hours" varchar(20) NOT NULL,
  "contractor_ot_reason" text NOT NULL,
  "contractor_ot_remarks" text NOT NULL,
  "ot_request_status" varchar(20) NOT NULL,
  "requested_eic_code" varchar(50) NOT NULL,
  "requested_eic_name" varchar(255) NOT NULL,
  "requested_overtime" varchar(20) NOT NULL,
  "requested_regular_manday_hours" varchar(20) NOT NULL
);
CREATE UNIQUE INDEX "core_attendancerecord_ep_no_date_uniq" ON "core_attendancerecord" ("ep_no", "date");

CREATE TABLE "core_uploadlog" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uploaded_at" datetime NOT NULL,
  "filename" varchar(255) NOT NULL,
  "success_count" integer NOT NULL,
  "updated_count" integer NOT NULL,
  "error_count" integer NOT NULL,
  "error_messages" text NOT NULL,
  "user_id" bigint NOT NULL REFERENCES "core_user" ("id") DEFERRABLE INITIALLY DEFERRED
);
