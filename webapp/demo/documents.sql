-- A document system's database as Django makes it on SQLite: synthetic, for the demo and for tests.
-- No column has a default; references are checked at the end of a transaction and nothing cascades, because
-- defaults and cascades of such an application live in its Python code. A length of time is a number of microseconds.

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
  "name" varchar(255) NOT NULL,
  "codename" varchar(100) NOT NULL,
  "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "auth_permission_content_type_codename_uniq" ON "auth_permission" ("content_type_id", "codename");

CREATE TABLE "auth_group" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(150) NOT NULL UNIQUE
);

CREATE TABLE "auth_group_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "auth_group_permissions_uniq" ON "auth_group_permissions" ("group_id", "permission_id");

CREATE TABLE "users" (
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
  "uuid" char(32) NOT NULL UNIQUE,
  "employee_id" varchar(20) NULL UNIQUE,
  "phone_number" varchar(20) NULL,
  "department" varchar(100) NULL,
  "position" varchar(100) NULL,
  "is_validated" bool NOT NULL,
  "validation_date" datetime NULL,
  "validation_expiry" datetime NULL,
  "password_changed_at" datetime NOT NULL,
  "mfa_enabled" bool NOT NULL,
  "failed_login_attempts" integer NOT NULL,
  "account_locked_until" datetime NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "manager_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_by_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "users_groups" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "users_groups_uniq" ON "users_groups" ("user_id", "group_id");

CREATE TABLE "users_user_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "users_user_permissions_uniq" ON "users_user_permissions" ("user_id", "permission_id");

CREATE TABLE "roles" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "name" varchar(100) NOT NULL UNIQUE,
  "description" text NOT NULL,
  "module" varchar(2) NOT NULL,
  "permission_level" varchar(10) NOT NULL,
  "is_active" bool NOT NULL,
  "is_system_role" bool NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "inherits_from_id" bigint NULL REFERENCES "roles" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_by_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "roles_module_permission_level_uniq" ON "roles" ("module", "permission_level");

CREATE TABLE "user_roles" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "assigned_at" datetime NOT NULL,
  "expires_at" datetime NULL,
  "is_active" bool NOT NULL,
  "revoked_at" datetime NULL,
  "assignment_reason" text NOT NULL,
  "revocation_reason" text NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "user_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "role_id" bigint NOT NULL REFERENCES "roles" ("id") DEFERRABLE INITIALLY DEFERRED,
  "assigned_by_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "revoked_by_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "user_roles_user_role_uniq" ON "user_roles" ("user_id", "role_id");

CREATE TABLE "document_types" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "name" varchar(100) NOT NULL UNIQUE,
  "code" varchar(10) NOT NULL UNIQUE,
  "description" text NOT NULL,
  "template_required" bool NOT NULL,
  "template_path" varchar(500) NOT NULL,
  "approval_required" bool NOT NULL,
  "review_required" bool NOT NULL,
  "retention_years" integer NOT NULL,
  "numbering_prefix" varchar(10) NOT NULL,
  "numbering_format" varchar(50) NOT NULL,
  "is_active" bool NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "created_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "document_sources" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "name" varchar(100) NOT NULL UNIQUE,
  "source_type" varchar(30) NOT NULL,
  "description" text NOT NULL,
  "requires_verification" bool NOT NULL,
  "requires_signature" bool NOT NULL,
  "is_active" bool NOT NULL,
  "created_at" datetime NOT NULL
);

CREATE TABLE "documents" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "document_number" varchar(50) NOT NULL UNIQUE,
  "title" varchar(255) NOT NULL,
  "description" text NOT NULL,
  "keywords" varchar(500) NOT NULL,
  "version_major" integer unsigned NOT NULL CHECK ("version_major" >= 0),
  "version_minor" integer unsigned NOT NULL CHECK ("version_minor" >= 0),
  "status" varchar(30) NOT NULL,
  "priority" varchar(10) NOT NULL,
  "file_name" varchar(255) NOT NULL,
  "file_path" varchar(500) NOT NULL,
  "file_size" bigint NULL,
  "file_checksum" varchar(64) NOT NULL,
  "mime_type" varchar(100) NOT NULL,
  "is_encrypted" bool NOT NULL,
  "encryption_metadata" text NOT NULL CHECK ((JSON_VALID("encryption_metadata") OR "encryption_metadata" IS NULL)),
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "review_date" datetime NULL,
  "approval_date" datetime NULL,
  "effective_date" date NULL,
  "review_due_date" date NULL,
  "obsolete_date" date NULL,
  "obsolescence_date" date NULL,
  "obsolescence_reason" text NOT NULL,
  "reason_for_change" text NOT NULL,
  "change_summary" text NOT NULL,
  "is_active" bool NOT NULL,
  "requires_training" bool NOT NULL,
  "is_controlled" bool NOT NULL,
  "search_vector" text NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "document_type_id" bigint NOT NULL REFERENCES "document_types" ("id") DEFERRABLE INITIALLY DEFERRED,
  "document_source_id" bigint NOT NULL REFERENCES "document_sources" ("id") DEFERRABLE INITIALLY DEFERRED,
  "author_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "reviewer_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "approver_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "obsoleted_by_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "supersedes_id" bigint NULL REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "document_versions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "version_major" integer unsigned NOT NULL CHECK ("version_major" >= 0),
  "version_minor" integer unsigned NOT NULL CHECK ("version_minor" >= 0),
  "version_comment" text NOT NULL,
  "file_name" varchar(255) NOT NULL,
  "file_path" varchar(500) NOT NULL,
  "file_size" bigint NULL,
  "file_checksum" varchar(64) NOT NULL,
  "created_at" datetime NOT NULL,
  "status" varchar(30) NOT NULL,
  "change_summary" text NOT NULL,
  "reason_for_change" text NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "document_id" bigint NOT NULL REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "document_versions_document_version_major_version_minor_uniq" ON "document_versions" ("document_id", "version_major", "version_minor");

CREATE TABLE "document_dependencies" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "dependency_type" varchar(20) NOT NULL,
  "description" text NOT NULL,
  "is_critical" bool NOT NULL,
  "created_at" datetime NOT NULL,
  "is_active" bool NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "document_id" bigint NOT NULL REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED,
  "depends_on_id" bigint NOT NULL REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "document_dependencies_document_depends_on_dependency_type_uniq" ON "document_dependencies" ("document_id", "depends_on_id", "dependency_type");

CREATE TABLE "document_access_logs" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "access_type" varchar(20) NOT NULL,
  "access_timestamp" datetime NOT NULL,
  "ip_address" char(39) NULL,
  "user_agent" text NOT NULL,
  "session_id" varchar(40) NULL,
  "success" bool NOT NULL,
  "failure_reason" varchar(200) NOT NULL,
  "document_version" varchar(20) NOT NULL,
  "file_downloaded" bool NOT NULL,
  "access_duration" bigint NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "document_id" bigint NOT NULL REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED,
  "user_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "workflow_document_states" (
  "code" varchar(50) NOT NULL PRIMARY KEY,
  "name" varchar(100) NOT NULL,
  "description" text NOT NULL,
  "is_initial" bool NOT NULL,
  "is_final" bool NOT NULL
);

CREATE TABLE "document_workflows" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "workflow_type" varchar(50) NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "due_date" datetime NULL,
  "effective_date" date NULL,
  "obsoleting_date" date NULL,
  "workflow_data" text NOT NULL CHECK ((JSON_VALID("workflow_data") OR "workflow_data" IS NULL)),
  "up_version_reason" text NOT NULL,
  "obsoleting_reason" text NOT NULL,
  "termination_reason" text NOT NULL,
  "is_terminated" bool NOT NULL,
  "last_approved_state" varchar(50) NOT NULL,
  "document_id" bigint NOT NULL UNIQUE REFERENCES "documents" ("id") DEFERRABLE INITIALLY DEFERRED,
  "current_state_id" varchar(50) NOT NULL REFERENCES "workflow_document_states" ("code") DEFERRABLE INITIALLY DEFERRED,
  "initiated_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "current_assignee_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "selected_reviewer_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "selected_approver_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "document_transitions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "transitioned_at" datetime NOT NULL,
  "comment" text NOT NULL,
  "transition_data" text NOT NULL CHECK ((JSON_VALID("transition_data") OR "transition_data" IS NULL)),
  "workflow_id" bigint NOT NULL REFERENCES "document_workflows" ("id") DEFERRABLE INITIALLY DEFERRED,
  "from_state_id" varchar(50) NOT NULL REFERENCES "workflow_document_states" ("code") DEFERRABLE INITIALLY DEFERRED,
  "to_state_id" varchar(50) NOT NULL REFERENCES "workflow_document_states" ("code") DEFERRABLE INITIALLY DEFERRED,
  "transitioned_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "audit_trail" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "timestamp" datetime NOT NULL,
  "action" varchar(30) NOT NULL,
  "severity" varchar(10) NOT NULL,
  "user_display_name" varchar(200) NOT NULL,
  "session_id" varchar(40) NULL,
  "ip_address" char(39) NULL,
  "user_agent" text NOT NULL,
  "object_id" varchar(100) NULL,
  "object_representation" varchar(200) NOT NULL,
  "field_changes" text NOT NULL CHECK ((JSON_VALID("field_changes") OR "field_changes" IS NULL)),
  "old_values" text NOT NULL CHECK ((JSON_VALID("old_values") OR "old_values" IS NULL)),
  "new_values" text NOT NULL CHECK ((JSON_VALID("new_values") OR "new_values" IS NULL)),
  "description" text NOT NULL,
  "module" varchar(10) NOT NULL,
  "request_path" varchar(500) NOT NULL,
  "request_method" varchar(10) NOT NULL,
  "checksum" varchar(64) NOT NULL,
  "is_tampered" bool NOT NULL,
  "verification_status" varchar(20) NOT NULL,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)),
  "user_id" bigint NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED,
  "content_type_id" integer NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE "placeholder_definitions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "uuid" char(32) NOT NULL UNIQUE,
  "name" varchar(100) NOT NULL UNIQUE,
  "display_name" varchar(200) NOT NULL,
  "description" text NOT NULL,
  "placeholder_type" varchar(20) NOT NULL,
  "data_source" varchar(30) NOT NULL,
  "source_field" varchar(100) NOT NULL,
  "format_string" varchar(100) NOT NULL,
  "date_format" varchar(50) NOT NULL,
  "default_value" text NOT NULL,
  "validation_rules" text NOT NULL CHECK ((JSON_VALID("validation_rules") OR "validation_rules" IS NULL)),
  "is_active" bool NOT NULL,
  "requires_permission" varchar(50) NOT NULL,
  "cache_duration" integer unsigned NOT NULL CHECK ("cache_duration" >= 0),
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "created_by_id" bigint NOT NULL REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED
);
