DROP TABLE schedule_fires;
DROP TABLE schedules;
DROP TABLE task_minutes;
DROP TABLE task_sessions;
DROP TABLE task_faults;
DROP TABLE task_groups;
DROP TABLE tasks;
