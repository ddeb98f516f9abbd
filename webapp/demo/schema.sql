-- A school's database as Django makes it on SQLite: synthetic, for the demo and for tests.
-- No column has a default; references are checked at the end of a transaction and nothing cascades, because
-- defaults and cascades of such an application live in its Python code.

CREATE TABLE "auth_group" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(150) NOT NULL UNIQUE
);

CREATE TABLE "backup_backuphistory" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "file_name" varchar(255) NOT NULL,
  "date" datetime NOT NULL,
  "operation_type" varchar(10) NOT NULL
);

CREATE TABLE "django_content_type" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "app_label" varchar(100) NOT NULL,
  "model" varchar(100) NOT NULL
);
CREATE UNIQUE INDEX "django_content_type_app_label_model_uniq" ON "django_content_type" ("app_label", "model");

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

CREATE TABLE "messaging_messagingconfig" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "sender_name" varchar(100) NOT NULL,
  "sender_phone" varchar(15) NOT NULL,
  "sms_enabled" bool NOT NULL,
  "is_active" bool NOT NULL
);

CREATE TABLE "messaging_msg91config" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "auth_key" varchar(100) NOT NULL,
  "sender_id" varchar(10) NOT NULL,
  "is_active" bool NOT NULL
);

CREATE TABLE "restore_jobs" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "status" varchar(16) NOT NULL,
  "source_type" varchar(16) NOT NULL,
  "file_path" text NULL,
  "format" varchar(16) NULL,
  "mode" varchar(16) NOT NULL,
  "duplicate_strategy" varchar(16) NOT NULL,
  "schema_version" varchar(32) NULL,
  "validation_result_json" text NULL CHECK ((JSON_VALID("validation_result_json") OR "validation_result_json" IS NULL)),
  "report_json" text NULL CHECK ((JSON_VALID("report_json") OR "report_json" IS NULL)),
  "error_text" text NULL
);

CREATE TABLE "school_profile_class" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(100) NOT NULL UNIQUE,
  "display_order" integer unsigned NOT NULL CHECK ("display_order" >= 0)
);

CREATE TABLE "school_profile_schoolprofile" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "school_name" varchar(255) NOT NULL,
  "principal_name" varchar(255) NOT NULL,
  "address" text NOT NULL,
  "email" varchar(254) NOT NULL UNIQUE,
  "mobile" varchar(15) NOT NULL,
  "registration_number" varchar(50) NOT NULL UNIQUE,
  "website" varchar(200) NULL,
  "logo" varchar(100) NULL,
  "academic_calendar" varchar(100) NULL,
  "start_date" date NOT NULL,
  "end_date" date NOT NULL,
  "academic_session_start_month" smallint unsigned NOT NULL CHECK ("academic_session_start_month" >= 0)
);

CREATE TABLE "settings_mlsettings" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "student_performance_model_enabled" bool NOT NULL,
  "dropout_prediction_enabled" bool NOT NULL,
  "payment_delay_prediction_enabled" bool NOT NULL,
  "attendance_pattern_analysis_enabled" bool NOT NULL,
  "high_risk_threshold" decimal NOT NULL,
  "medium_risk_threshold" decimal NOT NULL,
  "ml_batch_size" integer unsigned NOT NULL CHECK ("ml_batch_size" >= 0),
  "ml_cache_duration" integer unsigned NOT NULL CHECK ("ml_cache_duration" >= 0),
  "real_time_predictions" bool NOT NULL,
  "batch_processing_enabled" bool NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL
);

CREATE TABLE "settings_notificationsettings" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "sms_provider" varchar(50) NOT NULL,
  "sms_api_key" varchar(200) NOT NULL,
  "sms_sender_id" varchar(20) NOT NULL,
  "whatsapp_api_key" varchar(200) NOT NULL,
  "whatsapp_phone_number_id" varchar(50) NOT NULL,
  "email_enabled" bool NOT NULL,
  "smtp_host" varchar(100) NOT NULL,
  "smtp_port" integer unsigned NOT NULL CHECK ("smtp_port" >= 0),
  "smtp_username" varchar(100) NOT NULL,
  "smtp_password" varchar(200) NOT NULL,
  "fee_reminder_template" text NOT NULL,
  "payment_confirmation_template" text NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL
);

CREATE TABLE "settings_systemhealth" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "db_size_mb" decimal NOT NULL,
  "db_connections" integer unsigned NOT NULL CHECK ("db_connections" >= 0),
  "avg_response_time_ms" decimal NOT NULL,
  "memory_usage_mb" decimal NOT NULL,
  "cpu_usage_percent" decimal NOT NULL,
  "ml_models_loaded" integer unsigned NOT NULL CHECK ("ml_models_loaded" >= 0),
  "ml_prediction_accuracy" decimal NOT NULL,
  "status" varchar(20) NOT NULL,
  "last_backup" datetime NULL,
  "last_ml_training" datetime NULL,
  "timestamp" datetime NOT NULL
);

CREATE TABLE "subjects_class" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(50) NOT NULL UNIQUE
);

CREATE TABLE "subjects_classsection" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "class_name" varchar(50) NOT NULL,
  "section_name" varchar(10) NULL,
  "room_number" varchar(20) NULL UNIQUE,
  "created_at" datetime NOT NULL
);
CREATE UNIQUE INDEX "subjects_classsection_class_name_section_name_uniq" ON "subjects_classsection" ("class_name", "section_name");

CREATE TABLE "subjects_section" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(10) NOT NULL UNIQUE
);

CREATE TABLE "subjects_subject" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(100) NOT NULL UNIQUE,
  "created_at" datetime NOT NULL
);

CREATE TABLE "teachers_teacher" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(100) NOT NULL,
  "mobile" varchar(15) NOT NULL,
  "email" varchar(254) NULL UNIQUE,
  "qualification" varchar(100) NOT NULL,
  "joining_date" date NOT NULL,
  "photo" varchar(100) NULL,
  "resume" varchar(100) NULL,
  "joining_letter" varchar(100) NULL
);

CREATE TABLE "transport_route" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(100) NOT NULL UNIQUE
);

CREATE TABLE "users_customuser" (
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
  "mobile" varchar(15) NULL UNIQUE,
  "profile_picture" varchar(100) NULL
);

CREATE TABLE "auth_permission" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(255) NOT NULL,
  "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
  "codename" varchar(100) NOT NULL
);
CREATE UNIQUE INDEX "auth_permission_content_type_codename_uniq" ON "auth_permission" ("content_type_id", "codename");
CREATE INDEX "auth_permission_content_type_id" ON "auth_permission" ("content_type_id");

CREATE TABLE "backup_jobs" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "status" varchar(16) NOT NULL,
  "file_path" text NULL,
  "format" varchar(16) NULL,
  "checksum" varchar(128) NULL,
  "size_bytes" bigint NULL,
  "schema_version" varchar(32) NULL,
  "report_json" text NULL CHECK ((JSON_VALID("report_json") OR "report_json" IS NULL)),
  "error_text" text NULL,
  "backup_type" varchar(20) NOT NULL,
  "file_size" bigint NOT NULL,
  "duration_seconds" integer NULL,
  "created_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL))
);
CREATE INDEX "backup_jobs_created_by_id" ON "backup_jobs" ("created_by_id");

CREATE TABLE "core_auditlog" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "action" varchar(50) NOT NULL,
  "module" varchar(50) NULL,
  "details" text NOT NULL CHECK ((JSON_VALID("details") OR "details" IS NULL)),
  "ip_address" char(39) NULL,
  "user_agent" text NULL,
  "created_at" datetime NOT NULL
);
CREATE INDEX "core_auditlog_user_id" ON "core_auditlog" ("user_id");

CREATE TABLE "core_exportjob" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "request_id" char(32) NOT NULL UNIQUE,
  "user_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "module" varchar(50) NOT NULL,
  "data_type" varchar(100) NOT NULL,
  "format" varchar(10) NOT NULL,
  "filters" text NOT NULL CHECK ((JSON_VALID("filters") OR "filters" IS NULL)),
  "status" varchar(20) NOT NULL,
  "created_at" datetime NOT NULL,
  "completed_at" datetime NULL,
  "file_path" varchar(500) NULL,
  "file_size" bigint NULL,
  "error_message" text NULL,
  "task_id" varchar(100) NULL
);
CREATE INDEX "core_exportjob_user_id" ON "core_exportjob" ("user_id");

CREATE TABLE "demo_demostatus" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "machine_id" varchar(32) NOT NULL UNIQUE,
  "demo_started" datetime NOT NULL,
  "demo_expires" datetime NOT NULL,
  "is_licensed" bool NOT NULL,
  "license_key" varchar(200) NULL,
  "activated_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "activated_at" datetime NULL
);
CREATE INDEX "demo_demostatus_activated_by_id" ON "demo_demostatus" ("activated_by_id");

CREATE TABLE "django_admin_log" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "action_time" datetime NOT NULL,
  "object_id" text NULL,
  "object_repr" varchar(200) NOT NULL,
  "action_flag" smallint unsigned NOT NULL CHECK ("action_flag" >= 0),
  "change_message" text NOT NULL,
  "content_type_id" integer NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
  "user_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "django_admin_log_content_type_id" ON "django_admin_log" ("content_type_id");
CREATE INDEX "django_admin_log_user_id" ON "django_admin_log" ("user_id");

CREATE TABLE "fines_finetype" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "name" varchar(100) NOT NULL UNIQUE,
  "category" varchar(20) NOT NULL,
  "description" text NOT NULL,
  "is_active" bool NOT NULL,
  "created_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "fines_finetype_created_by_id" ON "fines_finetype" ("created_by_id");

CREATE TABLE "messaging_messagetemplate" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "name" varchar(100) NOT NULL,
  "message_type" varchar(20) NOT NULL,
  "template_content" text NOT NULL,
  "created_by_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "is_active" bool NOT NULL
);
CREATE INDEX "messaging_messagetemplate_created_by_id" ON "messaging_messagetemplate" ("created_by_id");

CREATE TABLE "promotion_promotionrule" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "from_class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "to_class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "minimum_percentage" decimal NOT NULL,
  "academic_year" varchar(10) NOT NULL,
  "current_class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "next_class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "name" varchar(100) NOT NULL,
  "min_marks" integer NULL
);
CREATE UNIQUE INDEX "promotion_promotionrule_from_class_section_to_class_secti_uniq" ON "promotion_promotionrule" ("from_class_section_id", "to_class_section_id", "academic_year");
CREATE INDEX "promotion_promotionrule_from_class_section_id" ON "promotion_promotionrule" ("from_class_section_id");
CREATE INDEX "promotion_promotionrule_to_class_section_id" ON "promotion_promotionrule" ("to_class_section_id");
CREATE INDEX "promotion_promotionrule_current_class_section_id" ON "promotion_promotionrule" ("current_class_section_id");
CREATE INDEX "promotion_promotionrule_next_class_section_id" ON "promotion_promotionrule" ("next_class_section_id");

CREATE TABLE "scheduled_backups" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(100) NOT NULL,
  "backup_type" varchar(20) NOT NULL,
  "cron_expression" varchar(50) NOT NULL,
  "is_active" bool NOT NULL,
  "last_run" datetime NULL,
  "last_status" varchar(20) NULL,
  "description" text NOT NULL,
  "created_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_at" datetime NOT NULL
);
CREATE INDEX "scheduled_backups_created_by_id" ON "scheduled_backups" ("created_by_id");

CREATE TABLE "school_profile_promotionrule" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "current_class_id" bigint NOT NULL REFERENCES "school_profile_class" ("id") DEFERRABLE INITIALLY DEFERRED,
  "next_class_id" bigint NOT NULL REFERENCES "school_profile_class" ("id") DEFERRABLE INITIALLY DEFERRED,
  "is_active" bool NOT NULL
);
CREATE UNIQUE INDEX "school_profile_promotionrule_current_class_next_class_uniq" ON "school_profile_promotionrule" ("current_class_id", "next_class_id");
CREATE INDEX "school_profile_promotionrule_current_class_id" ON "school_profile_promotionrule" ("current_class_id");
CREATE INDEX "school_profile_promotionrule_next_class_id" ON "school_profile_promotionrule" ("next_class_id");

CREATE TABLE "settings_auditlog" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "action" varchar(50) NOT NULL,
  "model_name" varchar(50) NOT NULL,
  "object_id" integer unsigned NULL CHECK ("object_id" >= 0),
  "changes" text NOT NULL CHECK ((JSON_VALID("changes") OR "changes" IS NULL)),
  "ip_address" char(39) NULL,
  "timestamp" datetime NOT NULL
);
CREATE INDEX "settings_auditlog_user_id" ON "settings_auditlog" ("user_id");

CREATE TABLE "settings_systemsettings" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "academic_year" varchar(20) NOT NULL,
  "session_start_date" date NULL,
  "session_end_date" date NULL,
  "late_fee_enabled" bool NOT NULL,
  "late_fee_percentage" decimal NOT NULL,
  "grace_period_days" integer unsigned NOT NULL CHECK ("grace_period_days" >= 0),
  "bulk_discount_enabled" bool NOT NULL,
  "bulk_discount_threshold" decimal NOT NULL,
  "bulk_discount_percentage" decimal NOT NULL,
  "attendance_required_percentage" decimal NOT NULL,
  "attendance_warning_threshold" decimal NOT NULL,
  "sms_enabled" bool NOT NULL,
  "whatsapp_enabled" bool NOT NULL,
  "auto_fee_reminders" bool NOT NULL,
  "reminder_days_before_due" integer unsigned NOT NULL CHECK ("reminder_days_before_due" >= 0),
  "ml_predictions_enabled" bool NOT NULL,
  "ml_cache_timeout" integer unsigned NOT NULL CHECK ("ml_cache_timeout" >= 0),
  "performance_prediction_threshold" decimal NOT NULL,
  "session_timeout_minutes" integer unsigned NOT NULL CHECK ("session_timeout_minutes" >= 0),
  "max_login_attempts" integer unsigned NOT NULL CHECK ("max_login_attempts" >= 0),
  "lockout_duration_minutes" integer unsigned NOT NULL CHECK ("lockout_duration_minutes" >= 0),
  "auto_backup_enabled" bool NOT NULL,
  "backup_frequency_hours" integer unsigned NOT NULL CHECK ("backup_frequency_hours" >= 0),
  "backup_retention_days" integer unsigned NOT NULL CHECK ("backup_retention_days" >= 0),
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "updated_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "settings_systemsettings_updated_by_id" ON "settings_systemsettings" ("updated_by_id");

CREATE TABLE "settings_userpreferences" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL UNIQUE REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "theme" varchar(20) NOT NULL,
  "language" varchar(10) NOT NULL,
  "dashboard_layout" varchar(20) NOT NULL,
  "items_per_page" integer unsigned NOT NULL CHECK ("items_per_page" >= 0),
  "email_notifications" bool NOT NULL,
  "sms_notifications" bool NOT NULL,
  "desktop_notifications" bool NOT NULL,
  "module_settings" text NOT NULL CHECK ((JSON_VALID("module_settings") OR "module_settings" IS NULL)),
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL
);

CREATE TABLE "students_student" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "admission_number" varchar(20) NOT NULL UNIQUE,
  "first_name" varchar(50) NOT NULL,
  "last_name" varchar(50) NOT NULL,
  "father_name" varchar(100) NOT NULL,
  "mother_name" varchar(100) NOT NULL,
  "date_of_birth" date NOT NULL,
  "date_of_admission" date NOT NULL,
  "aadhaar_number" varchar(14) NULL,
  "pen_number" varchar(11) NULL,
  "class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "gender" varchar(10) NOT NULL,
  "religion" varchar(20) NOT NULL,
  "caste_category" varchar(20) NOT NULL,
  "address" text NOT NULL,
  "mobile_number" varchar(10) NOT NULL,
  "email" varchar(254) NOT NULL,
  "blood_group" varchar(5) NOT NULL,
  "student_image" varchar(100) NULL,
  "aadhar_card" varchar(100) NOT NULL,
  "transfer_certificate" varchar(100) NOT NULL,
  "due_amount" decimal NOT NULL,
  "status" varchar(20) NOT NULL,
  "status_reason" text NULL,
  "status_changed_date" datetime NULL,
  "status_changed_by" varchar(100) NULL
);
CREATE INDEX "students_student_class_section_id" ON "students_student" ("class_section_id");

CREATE TABLE "subjects_subjectassignment" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "class_section_id" bigint NOT NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "subject_id" bigint NOT NULL REFERENCES "subjects_subject" ("id") DEFERRABLE INITIALLY DEFERRED,
  "teacher_id" bigint NULL REFERENCES "teachers_teacher" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_at" datetime NOT NULL
);
CREATE UNIQUE INDEX "subjects_subjectassignment_class_section_subject_uniq" ON "subjects_subjectassignment" ("class_section_id", "subject_id");
CREATE INDEX "subjects_subjectassignment_class_section_id" ON "subjects_subjectassignment" ("class_section_id");
CREATE INDEX "subjects_subjectassignment_subject_id" ON "subjects_subjectassignment" ("subject_id");
CREATE INDEX "subjects_subjectassignment_teacher_id" ON "subjects_subjectassignment" ("teacher_id");

CREATE TABLE "transport_stoppage" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "route_id" bigint NOT NULL REFERENCES "transport_route" ("id") DEFERRABLE INITIALLY DEFERRED,
  "name" varchar(100) NOT NULL UNIQUE
);
CREATE UNIQUE INDEX "transport_stoppage_route_name_uniq" ON "transport_stoppage" ("route_id", "name");
CREATE INDEX "transport_stoppage_route_id" ON "transport_stoppage" ("route_id");

CREATE TABLE "users_customuser_groups" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "customuser_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "users_customuser_groups_customuser_group_uniq" ON "users_customuser_groups" ("customuser_id", "group_id");
CREATE INDEX "users_customuser_groups_customuser_id" ON "users_customuser_groups" ("customuser_id");
CREATE INDEX "users_customuser_groups_group_id" ON "users_customuser_groups" ("group_id");

CREATE TABLE "users_module_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "user_id" bigint NOT NULL UNIQUE REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "students_view" bool NOT NULL,
  "students_edit" bool NOT NULL,
  "teachers_view" bool NOT NULL,
  "teachers_edit" bool NOT NULL,
  "fees_view" bool NOT NULL,
  "fees_edit" bool NOT NULL,
  "payments_view" bool NOT NULL,
  "payments_edit" bool NOT NULL,
  "attendance_view" bool NOT NULL,
  "attendance_edit" bool NOT NULL,
  "transport_view" bool NOT NULL,
  "transport_edit" bool NOT NULL,
  "reports_view" bool NOT NULL,
  "reports_edit" bool NOT NULL,
  "users_view" bool NOT NULL,
  "users_edit" bool NOT NULL,
  "settings_view" bool NOT NULL,
  "settings_edit" bool NOT NULL,
  "subjects_view" bool NOT NULL,
  "subjects_edit" bool NOT NULL,
  "messaging_view" bool NOT NULL,
  "messaging_edit" bool NOT NULL,
  "promotion_view" bool NOT NULL,
  "promotion_edit" bool NOT NULL,
  "backup_view" bool NOT NULL,
  "backup_edit" bool NOT NULL,
  "fines_view" bool NOT NULL,
  "fines_edit" bool NOT NULL,
  "school_profile_view" bool NOT NULL,
  "school_profile_edit" bool NOT NULL,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL
);

CREATE TABLE "attendance_attendance" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "date" date NOT NULL,
  "status" varchar(10) NOT NULL,
  "class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "attendance_attendance_student_date_uniq" ON "attendance_attendance" ("student_id", "date");
CREATE INDEX "attendance_attendance_student_id" ON "attendance_attendance" ("student_id");
CREATE INDEX "attendance_attendance_class_section_id" ON "attendance_attendance" ("class_section_id");

CREATE TABLE "auth_group_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "auth_group_permissions_group_permission_uniq" ON "auth_group_permissions" ("group_id", "permission_id");
CREATE INDEX "auth_group_permissions_group_id" ON "auth_group_permissions" ("group_id");
CREATE INDEX "auth_group_permissions_permission_id" ON "auth_group_permissions" ("permission_id");

CREATE TABLE "demo_licenseactivation" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "demo_status_id" bigint NOT NULL REFERENCES "demo_demostatus" ("id") DEFERRABLE INITIALLY DEFERRED,
  "license_key_attempted" varchar(200) NOT NULL,
  "attempted_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "attempted_at" datetime NOT NULL,
  "success" bool NOT NULL,
  "error_message" text NOT NULL
);
CREATE INDEX "demo_licenseactivation_demo_status_id" ON "demo_licenseactivation" ("demo_status_id");
CREATE INDEX "demo_licenseactivation_attempted_by_id" ON "demo_licenseactivation" ("attempted_by_id");

CREATE TABLE "fees_feesgroup" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "fee_group" varchar(50) NOT NULL,
  "group_type" varchar(50) NOT NULL,
  "fee_type" varchar(50) NOT NULL,
  "related_class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "related_stoppage_id" bigint NULL REFERENCES "transport_stoppage" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "fees_feesgroup_related_class_section_id" ON "fees_feesgroup" ("related_class_section_id");
CREATE INDEX "fees_feesgroup_related_stoppage_id" ON "fees_feesgroup" ("related_stoppage_id");

CREATE TABLE "messaging_messagelog" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "sender_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "message_type" varchar(10) NOT NULL,
  "recipient_type" varchar(20) NOT NULL,
  "message_content" text NOT NULL,
  "total_recipients" integer NOT NULL,
  "successful_sends" integer NOT NULL,
  "failed_sends" integer NOT NULL,
  "status" varchar(10) NOT NULL,
  "source_module" varchar(20) NOT NULL,
  "class_section_filter_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "recipient_phone" varchar(15) NOT NULL,
  "recipient_name" varchar(100) NOT NULL,
  "msg91_message_id" varchar(100) NOT NULL,
  "error_message" text NOT NULL,
  "student_id" bigint NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "messaging_messagelog_sender_id" ON "messaging_messagelog" ("sender_id");
CREATE INDEX "messaging_messagelog_class_section_filter_id" ON "messaging_messagelog" ("class_section_filter_id");
CREATE INDEX "messaging_messagelog_student_id" ON "messaging_messagelog" ("student_id");

CREATE TABLE "promotion_studentpromotion" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "from_class_section_id" bigint NOT NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "to_class_section_id" bigint NOT NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "academic_year" varchar(10) NOT NULL,
  "promotion_date" date NOT NULL,
  "remarks" text NOT NULL
);
CREATE UNIQUE INDEX "promotion_studentpromotion_student_academic_year_uniq" ON "promotion_studentpromotion" ("student_id", "academic_year");
CREATE INDEX "promotion_studentpromotion_student_id" ON "promotion_studentpromotion" ("student_id");
CREATE INDEX "promotion_studentpromotion_from_class_section_id" ON "promotion_studentpromotion" ("from_class_section_id");
CREATE INDEX "promotion_studentpromotion_to_class_section_id" ON "promotion_studentpromotion" ("to_class_section_id");

CREATE TABLE "student_fees_feedeposit" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NOT NULL,
  "discount" decimal NOT NULL,
  "paid_amount" decimal NOT NULL,
  "receipt_no" varchar(50) NOT NULL,
  "deposit_date" datetime NOT NULL,
  "payment_mode" varchar(20) NOT NULL,
  "transaction_no" varchar(50) NULL,
  "payment_source" varchar(100) NULL,
  "note" text NULL
);
CREATE INDEX "student_fees_feedeposit_student_id" ON "student_fees_feedeposit" ("student_id");

CREATE TABLE "students_studentenrollment" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "student_id" bigint NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "enrollment_date" date NOT NULL,
  "class_name" varchar(50) NOT NULL,
  "section" varchar(50) NOT NULL
);
CREATE INDEX "students_studentenrollment_student_id" ON "students_studentenrollment" ("student_id");

CREATE TABLE "transport_transportassignment" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "route_id" bigint NOT NULL REFERENCES "transport_route" ("id") DEFERRABLE INITIALLY DEFERRED,
  "stoppage_id" bigint NOT NULL REFERENCES "transport_stoppage" ("id") DEFERRABLE INITIALLY DEFERRED,
  "assigned_date" date NOT NULL,
  CONSTRAINT "unique_student_per_route" UNIQUE ("student_id")
);
CREATE INDEX "transport_transportassignment_student_id" ON "transport_transportassignment" ("student_id");
CREATE INDEX "transport_transportassignment_route_id" ON "transport_transportassignment" ("route_id");
CREATE INDEX "transport_transportassignment_stoppage_id" ON "transport_transportassignment" ("stoppage_id");

CREATE TABLE "users_customuser_user_permissions" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "customuser_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "users_customuser_user_permissions_customuser_permission_uniq" ON "users_customuser_user_permissions" ("customuser_id", "permission_id");
CREATE INDEX "users_customuser_user_permissions_customuser_id" ON "users_customuser_user_permissions" ("customuser_id");
CREATE INDEX "users_customuser_user_permissions_permission_id" ON "users_customuser_user_permissions" ("permission_id");

CREATE TABLE "fees_feestype" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "fee_group_id" bigint NOT NULL REFERENCES "fees_feesgroup" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NOT NULL,
  "amount_type" varchar(50) NOT NULL,
  "context_type" varchar(50) NOT NULL,
  "context_data" text NOT NULL CHECK ((JSON_VALID("context_data") OR "context_data" IS NULL)),
  "month_name" varchar(50) NULL,
  "class_name" varchar(100) NULL,
  "stoppage_name" varchar(100) NULL,
  "related_stoppage_id" bigint NULL REFERENCES "transport_stoppage" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "fees_feestype_fee_group_amount_type_month_name_class_name_uniq" ON "fees_feestype" ("fee_group_id", "amount_type", "month_name", "class_name", "stoppage_name");
CREATE INDEX "fees_feestype_fee_group_id" ON "fees_feestype" ("fee_group_id");
CREATE INDEX "fees_feestype_related_stoppage_id" ON "fees_feestype" ("related_stoppage_id");

CREATE TABLE "fines_fine" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "class_section_id" bigint NULL REFERENCES "subjects_classsection" ("id") DEFERRABLE INITIALLY DEFERRED,
  "fine_type_id" bigint NOT NULL REFERENCES "fines_finetype" ("id") DEFERRABLE INITIALLY DEFERRED,
  "fees_group_id" bigint NULL REFERENCES "fees_feesgroup" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NOT NULL,
  "dynamic_amount_percent" decimal NULL,
  "reason" text NOT NULL,
  "due_date" date NOT NULL,
  "delay_days" integer NOT NULL,
  "applied_date" datetime NOT NULL,
  "auto_generated" bool NOT NULL,
  "is_active" bool NOT NULL,
  "target_scope" varchar(20) NOT NULL,
  "created_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "fines_fine_class_section_id" ON "fines_fine" ("class_section_id");
CREATE INDEX "fines_fine_fine_type_id" ON "fines_fine" ("fine_type_id");
CREATE INDEX "fines_fine_fees_group_id" ON "fines_fine" ("fees_group_id");
CREATE INDEX "fines_fine_created_by_id" ON "fines_fine" ("created_by_id");

CREATE TABLE "messaging_messagerecipient" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "message_log_id" bigint NOT NULL REFERENCES "messaging_messagelog" ("id") DEFERRABLE INITIALLY DEFERRED,
  "student_id" bigint NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "teacher_id" bigint NULL REFERENCES "teachers_teacher" ("id") DEFERRABLE INITIALLY DEFERRED,
  "phone_number" varchar(15) NOT NULL,
  "name" varchar(100) NOT NULL,
  "role" varchar(20) NOT NULL,
  "status" varchar(10) NOT NULL,
  "error_message" text NOT NULL
);
CREATE INDEX "messaging_messagerecipient_message_log_id" ON "messaging_messagerecipient" ("message_log_id");
CREATE INDEX "messaging_messagerecipient_student_id" ON "messaging_messagerecipient" ("student_id");
CREATE INDEX "messaging_messagerecipient_teacher_id" ON "messaging_messagerecipient" ("teacher_id");

CREATE TABLE "fee_management_studentfee" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "fee_type_id" bigint NOT NULL REFERENCES "fees_feestype" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NOT NULL,
  "due_date" date NOT NULL,
  "is_paid" bool NOT NULL,
  "paid_date" date NULL,
  "academic_year" varchar(20) NOT NULL
);
CREATE UNIQUE INDEX "fee_management_studentfee_student_fee_type_academic_year_uniq" ON "fee_management_studentfee" ("student_id", "fee_type_id", "academic_year");
CREATE INDEX "fee_management_studentfee_student_id" ON "fee_management_studentfee" ("student_id");
CREATE INDEX "fee_management_studentfee_fee_type_id" ON "fee_management_studentfee" ("fee_type_id");

CREATE TABLE "fines_fine_fees_types" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "fine_id" bigint NOT NULL REFERENCES "fines_fine" ("id") DEFERRABLE INITIALLY DEFERRED,
  "feestype_id" bigint NOT NULL REFERENCES "fees_feestype" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "fines_fine_fees_types_fine_feestype_uniq" ON "fines_fine_fees_types" ("fine_id", "feestype_id");
CREATE INDEX "fines_fine_fees_types_fine_id" ON "fines_fine_fees_types" ("fine_id");
CREATE INDEX "fines_fine_fees_types_feestype_id" ON "fines_fine_fees_types" ("feestype_id");

CREATE TABLE "fines_fineauditlog" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "fine_id" bigint NOT NULL REFERENCES "fines_fine" ("id") DEFERRABLE INITIALLY DEFERRED,
  "action" varchar(50) NOT NULL,
  "user_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "timestamp" datetime NOT NULL,
  "details" text NOT NULL CHECK ((JSON_VALID("details") OR "details" IS NULL))
);
CREATE INDEX "fines_fineauditlog_fine_id" ON "fines_fineauditlog" ("fine_id");
CREATE INDEX "fines_fineauditlog_user_id" ON "fines_fineauditlog" ("user_id");

CREATE TABLE "fines_finestudent" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "fine_id" bigint NOT NULL REFERENCES "fines_fine" ("id") DEFERRABLE INITIALLY DEFERRED,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "is_paid" bool NOT NULL,
  "is_waived" bool NOT NULL,
  "waived_by_id" bigint NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED,
  "waived_date" datetime NULL,
  "payment_date" date NULL,
  "calculated_amount" decimal NULL
);
CREATE UNIQUE INDEX "fines_finestudent_fine_student_uniq" ON "fines_finestudent" ("fine_id", "student_id");
CREATE INDEX "fines_finestudent_fine_id" ON "fines_finestudent" ("fine_id");
CREATE INDEX "fines_finestudent_student_id" ON "fines_finestudent" ("student_id");
CREATE INDEX "fines_finestudent_waived_by_id" ON "fines_finestudent" ("waived_by_id");

CREATE TABLE "fines_finetemplate" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "name" varchar(100) NOT NULL UNIQUE,
  "fine_type_id" bigint NOT NULL REFERENCES "fines_finetype" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NULL,
  "dynamic_amount_percent" decimal NULL,
  "reason" text NOT NULL,
  "delay_days" integer NOT NULL,
  "fees_group_id" bigint NULL REFERENCES "fees_feesgroup" ("id") DEFERRABLE INITIALLY DEFERRED,
  "fees_type_id" bigint NULL REFERENCES "fees_feestype" ("id") DEFERRABLE INITIALLY DEFERRED,
  "created_by_id" bigint NOT NULL REFERENCES "users_customuser" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX "fines_finetemplate_fine_type_id" ON "fines_finetemplate" ("fine_type_id");
CREATE INDEX "fines_finetemplate_fees_group_id" ON "fines_finetemplate" ("fees_group_id");
CREATE INDEX "fines_finetemplate_fees_type_id" ON "fines_finetemplate" ("fees_type_id");
CREATE INDEX "fines_finetemplate_created_by_id" ON "fines_finetemplate" ("created_by_id");

CREATE TABLE "fee_management_appliedfine" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "student_id" bigint NOT NULL REFERENCES "students_student" ("id") DEFERRABLE INITIALLY DEFERRED,
  "fine_template_id" bigint NOT NULL REFERENCES "fines_finetemplate" ("id") DEFERRABLE INITIALLY DEFERRED,
  "amount" decimal NOT NULL,
  "reason" text NOT NULL,
  "applied_date" datetime NOT NULL,
  "due_date" date NOT NULL,
  "is_paid" bool NOT NULL,
  "paid_date" date NULL,
  "auto_generated" bool NOT NULL
);
CREATE INDEX "fee_management_appliedfine_student_id" ON "fee_management_appliedfine" ("student_id");
CREATE INDEX "fee_management_appliedfine_fine_template_id" ON "fee_management_appliedfine" ("fine_template_id");

CREATE TABLE "fee_management_paymentallocation" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "created_at" datetime NOT NULL,
  "updated_at" datetime NOT NULL,
  "fee_deposit_id" bigint NOT NULL REFERENCES "student_fees_feedeposit" ("id") DEFERRABLE INITIALLY DEFERRED,
  "student_fee_id" bigint NULL REFERENCES "fee_management_studentfee" ("id") DEFERRABLE INITIALLY DEFERRED,
  "applied_fine_id" bigint NULL REFERENCES "fee_management_appliedfine" ("id") DEFERRABLE INITIALLY DEFERRED,
  "allocated_amount" decimal NOT NULL,
  "allocation_date" datetime NOT NULL
);
CREATE INDEX "fee_management_paymentallocation_fee_deposit_id" ON "fee_management_paymentallocation" ("fee_deposit_id");
CREATE INDEX "fee_management_paymentallocation_student_fee_id" ON "fee_management_paymentallocation" ("student_fee_id");
CREATE INDEX "fee_management_paymentallocation_applied_fine_id" ON "fee_management_paymentallocation" ("applied_fine_id");
