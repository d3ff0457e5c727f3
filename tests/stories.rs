//! All stories as one program: one link instead of twenty. Each module tells one, on a school of its own.

// A story that can not go on stops with what it saw; its helpers are not always tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod scripted;
mod t00_stack;
mod t01_exim;
mod t02_first_mail;
mod t03_refusals;
mod t04_many_lists;
mod t05_directory;
mod t06_relay;
mod t07_kill;
mod t08_lists;
mod t09_odd_mails;
mod t10_bounces;
mod t11_corpus;
mod t12_kill_phases;
mod t20_daemon;
mod t20_metrics;
mod t21_relay_300;
mod t22_kinds;
mod t23_settings;
mod t24_guard;
mod t25_from;
mod t30_package;
mod t31_postfix;
mod t32_milter_peers;
mod t33_postfix_lists;
mod t40_scanners;
mod t41_verdictd;
mod t42_scanner_trouble;
mod t43_hostile_peers;
mod t44_verdictd_postfix;
mod t45_hidden;
mod t46_list_verdicts;
mod t47_exim_scans;
mod t48_learning;
mod t50_yardstick;
mod t51_attachments;
mod t60_door;
mod t61_hold;
mod t62_authors;
mod t63_requests;
mod t64_last_mile;
mod t65_pages;
