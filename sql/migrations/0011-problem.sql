-- 0011-problem.sql: views that change their columns
--
-- Why:    the list of problems has jobs, mail, losses and exporters as well; what is
--         refused has what never became a flow.  A view cannot be replaced by one with
--         other columns.
-- Needs:  0010-summary.sql
-- Locks:  the two views
-- Undo:   nothing: sql/views makes them anew at every migrate
-- Twins:  sql/views/self.sql

DROP VIEW IF EXISTS flowkeep_view.problem;
DROP VIEW IF EXISTS flowkeep_view.rejected_flow;
