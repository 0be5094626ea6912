"""Who speaks to whom, and with what right."""

from collections.abc import Mapping

SPEAKERS: Mapping[str, str] = {
    "model": """
        AI AIs A.I llm llms language_model language_models chatbot chatbots gpt chatgpt gemini_model
        artificial_intelligence neural_network KI IA ИИ sprachmodell* sprachassistent kunstliche_intelligenz
        ki_assistent* ki_agent* modele_de_langage intelligence_artificielle modelo_de_lenguaje
        inteligencia_artificial modello_linguistico intelligenza_artificiale modelo_de_linguagem taalmodel*
        kunstmatige_intelligentie model_jezykow* modelem_jezykow* sztuczn*_inteligencj* языков*_модел*
        искусственн*_интеллект* нейросет* yapay_zeka* dil_model*""",
    "assistant": """
        assistant assistants agent agents bot bots copilot automated automaton robot assistent* assistenz
        roboter assistente assistenti asistente asistentes agente agenti agentes asystent* robota agenta
        ассистент* бот боту бота помощник* агент* asistan* bota ajan*""",
    "note_to": """
        note message attention attn dear hey hello notice memo comment reminder hinweis nachricht achtung notiz
        an_den an_die note_pour a_l nota mensaje mensagem atencion atencao aviso al_asistente messaggio
        attenzione all_assistente ao_assistente bericht aan_de opgelet uwaga wiadomosc do_asystenta сообщение
        внимание заметка ассистенту not mesaj dikkat for_the to_the to_any to_whichever to_all an_alle fur_den
        fur_die pour_le pour_la a_quien para_el para_la per_il per_la para_o para_a voor_de dla для icin bota""",
    "reads": """
        reading reads read processing processes handling handles summarising summarizing evaluating parsing
        reviewing liest lesen bearbeitet verarbeitet lit lisant traite lea lee leyendo procese legge leggendo
        elabora lendo le processando leest verwerkt czyta przetwarza читает обрабатывает okuyan isleyen
        answering replying responsible summarises summarizes scanning sees gets receives looking_at looks_at
        auswertet beantwortet verfasst analyse resume repond analiza responde analizza riassume analisa
        beoordeelt beantwoordt analizuje odpowiada анализирует отвечает yanitlayan""",
    "if": """
        if when whenever falls wenn si quand lorsque cuando se quando als indien jesli jezeli если когда eger""",
    "you": "you u du dich dir tu te toi vous eres usted sei ti voce es je jij jestes ci ты тебе вы sen sana",
    "must": """
        must shall should have_to has_to need_to needs_to required_to are_to is_to ordered_to instructed_to
        musst muss sollst soll dois doit devez debes debe deves deve devi moet moeten musisz musi powinien
        должен должна обязан zorundasin gerek* zorunda* you_should you_will kindly please_do are_required
        supposed_to expected_to bitte du_wirst tu_vas vas_a devi_ora vais zul masz ты_должен lazim""",
    "now_you": """
        you_are_now you_re_now from_now_on_you you_will_act you_will_be act_as acting_as pretend roleplay
        role_play imagine_you simulate behave_as you_have_become play_the_role du_bist_jetzt du_bist_nun
        du_bist_ab verhalte_dich_wie spiele_die_rolle tu_es_desormais tu_es_maintenant agis_comme fais_comme_si
        joue_le_role ahora_eres actua_como finge_que ora_sei adesso_sei comportati_come fingi_di agora_voce
        agora_es aja_como finja je_bent_nu gedraag_je_als doe_alsof jestes_teraz zachowuj_sie udawaj теперь_ты
        ты_теперь веди_себя притворись artik bundan_boyle gibi_davran you_play you_will_play you_are_no_longer
        switch_to become imagine suppose_you take_the_role in_the_role stell_dir_vor du_spielst imagine_que
        tu_joues imagina_que interpreta immagina faz_de_conta stel_je_voor wyobraz_sobie представь hayal_et
        rolunu""",
    "unlimited": """
        unrestricted uncensored unfiltered no_restrictions without_restrictions without_limits without_rules
        no_rules no_limits no_limitations without_limitations without_filters no_filters do_anything jailbreak
        jailbroken DAN anything_now ohne_einschrankung* ohne_regeln ohne_grenzen sans_restriction* sans_limite*
        sans_regles sin_restriccion* sin_limite* sin_reglas senza_restrizion* senza_limit* senza_regole
        sem_restric* sem_limit* sem_regras zonder_beperking* zonder_grenzen zonder_regels bez_ogranicze*
        bez_zasad без_ограничен* без_правил kisitlamasi_olmayan sinirsiz kuralsiz with_no_limits with_no_rules
        boundless limitless free_of_all no_filter no_guardrails ignores_rules uneingeschrankt* unzensiert
        grenzenlos* illimite sin_censura illimitat* senza_censura ilimitad* sem_censura onbeperkt*
        ongecensureerd nieograniczon* неограничен* без_цензуры sinirsiz* sansursuz""",
    "special_mode": """
        developer_mode debug_mode admin_mode god_mode maintenance_mode test_mode root_mode sudo_mode dan_mode
        entwicklermodus mode_developpeur modo_desarrollador modalita_sviluppatore modo_desenvolvedor
        tryb_dewelopera режим_разработчика gelistirici_modu safe_mode_off unrestricted_mode unlocked_mode
        service_mode override_mode wartungsmodus debug_modus mode_maintenance mode_debug modo_mantenimiento
        modo_depuracion modalita_debug modo_manutencao onderhoudsmodus tryb_serwisowy режим_отладки bakim_modu
        root_access filters_off filters_are_off safety_off""",
    "game": "play_a_game a_game_in hypothetical* fictional* scenario",
    "i_am": """
        i_am i_m this_is as_the as_an as_a message_from speaking ich_bin hier_ist als je_suis ici_le soy habla
        sono_il sono_l sono qui_e sou aqui_e ik_ben dit_is jestem tu_mowi я говорит ben benim i_work_as i_built
        i_made i_wrote i_created i_own on_behalf by_order in_the_name here_is this_comes_from hier_spricht
        hier_schreibt im_namen au_nom la_direction_te en_nombre habla_la aqui_la a_nome parla_la em_nome fala_a
        namens hier_spreekt w_imieniu mowi говорит_ от_имени adina burasi""",
    "boss": """
        administrator admin superuser root developer ceo management compliance security_team head_office
        headquarters creator system_operator supervisor sysadmin administrateur administratrice administrador
        amministratore beheerder administratorem администратор yonetici* geschaftsfuhr* direction gerencia
        director_general direzione direcao directie zarzad* создател* gelistirici* entwickler* developpeur
        desarrollador sviluppatore desenvolvedor ontwikkelaar programista разработчик operations headteam board
        owner system_owner platform_team it_department support_lead legal director principal chief security
        compliance_team engineering sicherheitsteam betriebsleitung leitung vorstand it_abteilung chefetage
        equipe_de_securite patron gerente direccion equipo_de_seguridad dirigente direttore direttrice sicurezza
        diretoria diretor seguranca directeur bestuur beveiliging dyrekcj* dyrektor kierownictw* руководств*
        директор начальств* службы_безопасности mudur* yonetim guvenlik_ekibi""",
    "command": """
        authorise authorize authorised authorized command order_you instruct directive hereby mandate
        weise_dich_an befehle ermachtig* ordonne autorise ordeno autoriz* ordino comando_di draag_je_op beveel
        gemachtigd nakazuj* rozkazuj* upowazni* приказыва* разреша* уполномоч* emrediyor* yetkilendir*
        talimat_veriyor* order_the you_are_authorised you_are_authorized you_are_allowed you_are_permitted
        you_may answer_to_me granted entitled empower* befugt berechtigt erlaubt autorise* ordonn* habilite*
        autorizad* permitid* habilitad* autorizzat* abilitat* consentit* bevoegd toegestaan upowaznien*
        uprawnion* разрешено можешь уполномочен* yetkilisin yetkin* iznin""",
    "vendor": """
        openai anthropic deepmind google_ai microsoft_ai meta_ai mistral_ai google microsoft_azure apple_ai x_ai
        nvidia_ai""",
    "policy_word": """
        policy policies update updated guidelines allowed permitted terms notice directive mandate instructs
        requires orders""",
    "on_reading": """
        reading_this processing_this summarizing_this summarising_this reads_this answering_this handling_this
        parsing_this summarizing_the summarising_the translating_this reviewing_this lesen_dieser lisant_ceci
        leer_esto""",
    "notice": """
        system_note system_update system_override system_alert system_notice admin_note admin_command admin_message
        admin_override developer_note root_command systemhinweis systemmeldung note_systeme nota_del_sistema""",
}
