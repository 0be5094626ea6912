"""What words mean in twelve languages, as far as injected instructions are made of them.

A trailing `*` stands for any ending, `_` joins words that follow one another. Words with capitals count as they are
written ("AI": in French "ai" is a verb). Accents and case are folded before anything is compared. Chinese and Japanese
have no blanks between words and are looked for anywhere in a text (words_cjk).
"""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "ignore": """
        ignor* disregard* forget overrid* overrul* bypass* circumvent* discard* pay_no_attention do_not_follow
        stop_following do_not_obey do_not_listen
        ignorier* vergiss vergesst missacht* umgeh* ueberschreib* uberschreib* befolge_nicht
        oubli* contourn* ne_tiens_pas_compte ne_tenez_pas_compte ne_suis_pas passe_outre
        olvid* desobede* haz_caso_omiso no_sigas no_hagas_caso
        dimentic* scavalc* non_seguire trascur*
        esquec* desconsider* desrespeit*
        negeer* negeren vergeet omzeil*
        zignoruj* ignoruj* zapomnij* pomin*
        игнорир* проигнорир* забуд* не_обращай*
        yok_say* gormezden_gel* unut unutun dikkate_alma*""",
    "void": """
        void obsolete outdated invalid superseded revoked expired null_and_void no_longer_apply no_longer_applies
        no_longer_valid out_of_date
        ungultig ungueltig aufgehoben hinfallig uberholt veraltet gilt_nicht_mehr gelten_nicht_mehr
        caduc* perime* annulees annules ne_s_applique_plus
        anuladas anulados obsolet* invalid* ya_no_vale* caducad*
        annullat* superat* scadut* non_valgono_piu non_vale_piu
        anulad* revogad* nao_valem_mais nao_vale_mais
        ongeldig vervallen verouderd niet_meer_geldig
        niewazn* uniewaznio* nieaktualn* nie_obowiazuj*
        недействительн* отменен* устарел* не_действу*
        gecersiz* iptal_edildi""",
    "all_before": """
        all any previous prior above earlier before preceding former foregoing original initial everything every
        alle aller allen alles bisherig* vorherig* vorig* obig* fruher* oben vorangehend* urspruenglich* ursprunglich*
        toutes tous tout precedent* anterieur* ci_dessus initial*
        todas todos todo anterior* previ* inicial* arriba
        tutte tutti tutto precedent* sopra inizial*
        todas todos tudo acima
        alle vorige eerdere bovenstaande voorgaande alles
        wszystkie wszystkich wszystkim poprzedni* wczesniejsz* powyzsz*
        все всё всех всю предыдущ* прежн* ранее выше
        tum butun onceki her_seyi yukaridaki""",
    "instructions": """
        instruction* rule rules guideline* guidance directive* directions guardrail* constraint* restriction* prompt
        prompts commands policies policy programming assignment orders
        anweisung* anleitung* regel regeln vorgabe* richtlinie* instruktion* befehl* weisung*
        instructions consigne* regles directive* ordres
        instruccion* reglas directri* normas ordenes
        istruzion* regole direttiv* ordini_ricevuti
        instruc* instrucoes regras diretriz* orientac*
        instructie* regels richtlijn* opdracht* aanwijzing*
        instrukcj* zasad* polece* wytyczn*
        инструкц* правил* указани* директив*
        talimat* kural* yonerge* komut*""",
    "prompt": """
        system_prompt system_prompts system_message system_instructions initial_prompt hidden_prompt hidden_instructions
        secret_instructions developer_message
        systemprompt* systemnachricht* system_prompt
        prompt_systeme message_systeme
        prompt_del_sistema mensaje_del_sistema instrucciones_del_sistema
        prompt_di_sistema messaggio_di_sistema
        prompt_de_sistema prompt_do_sistema
        systeemprompt* prompt_systemow* prompt_systemowy
        системн*_промпт* системн*_сообщен* sistem_istem* sistem_prompt*""",
    "your": """
        your yours dein deine deinen deiner deines deinem ton ta tes tu tus tuo tua tuoi tue teu teus suas seus
        jouw je twoj* swoj* твои твой твоя твое твоих свой свои senin""",
    "mine": """
        my mine our ours mein meine meinen meiner meinem meines unser* mon ma mes notre nos mi mis nuestr* mio mia miei
        mie nostr* meu meus minha minhas nosso* nossa* mijn onze ons moj moja moje mojej moja moich nasz* мой моя мое мои
        моего моих наш* benim bizim""",
    "goods": """
        delivery deliver shipping assembly washing care packaging package box label manual leaflet courier driver
        installation safety cooking user_manual return_label medication reading
        liefer* aufbau* montage* pflege* karton packung beipack* bedienungs* gebrauchs* boite carton notice livraison
        montage emploi entrega caja montaje uso scatola consegna montaggio caixa montagem encomenda doos bezorg*
        gebruik* verpakking pudelk* dostaw* montaz* obslug* коробк* доставк* сборк* применени* kutu* teslimat*""",
    "told": """
        told been_told were_given been_given was_said you_were_asked you_know gesagt wurde mitgeteilt dit dites
        dijeron dicho indicaron detto dettagliato disseram dito verteld gezegd powiedzian* говорил* сказан* велел*
        soylenen* denilen*""",
    "new": """
        new updated real actual true neu neue neuen neuer neues nouvel* nouveau nuev* nuov* nov* nieuw* nowe nowa nowy
        новая новое новые новый yeni""",
    "task": """
        task tasks job mission objective goal instruction instructions directive command aufgabe auftrag anweisung ziel
        anweisungen tache mission objectif consigne* tarea mision objetivo instruccion* compito missione obiettivo
        istruzion* tarefa missao instruc* taak opdracht instructie* zadani* polecen* instrukcj* задач* задани*
        инструкц* gorev* talimat*""",
    "instead": """
        instead rather stattdessen anstatt lieu_de cela en_lugar en_vez invece ao_inves em_vez in_plaats zamiast вместо
        yerine""",
    "reading_task": """
        summari* summary answering_this responding translat* zusammenfass* resum* riassu* samenvat* podsumow* резюм*
        ozetle*""",
    "model": """
        AI AIs A.I llm llms language_model language_models chatbot chatbots gpt chatgpt gemini_model
        artificial_intelligence neural_network
        KI IA ИИ sprachmodell* sprachassistent kunstliche_intelligenz ki_assistent* ki_agent*
        modele_de_langage intelligence_artificielle modelo_de_lenguaje inteligencia_artificial
        modello_linguistico intelligenza_artificiale modelo_de_linguagem taalmodel* kunstmatige_intelligentie
        model_jezykow* modelem_jezykow* sztuczn*_inteligencj* языков*_модел* искусственн*_интеллект* нейросет*
        yapay_zeka* dil_model*""",
    "assistant": """
        assistant assistants agent agents bot bots copilot automated automaton robot assistent* assistenz roboter
        assistente assistenti asistente asistentes agente agenti agentes asystent* robota agenta ассистент* бот боту бота
        помощник* агент* asistan* bota ajan*""",
    "note_to": """
        note message attention attn dear hey hello notice memo comment reminder hinweis nachricht achtung notiz an_den
        an_die message note_pour attention a_l nota mensaje mensagem atencion atencao aviso al_asistente messaggio
        attenzione all_assistente ao_assistente bericht aan_de opgelet uwaga wiadomosc do_asystenta сообщение внимание
        заметка ассистенту not mesaj dikkat""",
    "reads": """
        reading reads read processing processes handling handles summarising summarizing evaluating parsing reviewing
        liest lesen bearbeitet verarbeitet lit lisant traite lea lee leyendo procese legge leggendo elabora lendo le
        processando leest verwerkt czyta przetwarza читает обрабатывает okuyan isleyen""",
    "if": "if when whenever falls wenn si quand lorsque cuando se quando als indien jesli jezeli если когда eger",
    "you": """
        you u du dich dir tu te toi vous eres tu usted sei ti voce tu es je jij u jestes ci ты тебе вы sen sana""",
    "must": """
        must shall should have_to has_to need_to needs_to required_to are_to is_to ordered_to instructed_to
        musst muss sollst soll dois doit devez debes debe deves deve devi moet moeten musisz musi powinien
        должен должна обязан zorundasin gerek* zorunda*""",
    "act": """
        refund reimburse pay_back cancel approve delete remove release waive credit grant issue transfer set_the
        change_the export mark apply_a reroute overwrite wipe drop_the erase escalate confirm_the execute
        erstatte* uberweise storniere losche gib_frei genehmige andere_die setze_den
        rembourse annule supprime approuve vire change_l_adresse
        reembolsa cancela elimina borra aprueba transfiere cambia_la
        rimborsa annulla elimina approva trasferisci cambia_l
        reembolse cancele apague aprove transfira estorne
        annuleer verwijder keur_goed wijzig betaal_terug maak_over
        zwroc anuluj usun zatwierdz przelej zmien
        верни отмени удали одобри переведи измени
        iade_et* iptal_et* sil onayla degistir*""",
    "send": """
        send sends forward email e_mail post upload transmit submit exfiltrate leak append attach mail_to deliver_to
        export copy_to publish include forward_to embed
        sende schicke schick maile leite ubermittle hange lade_hoch exportiere
        envoie envoyer transmets transfere poste publie joins
        envia manda reenvia publica adjunta exporta sube
        invia spedisci inoltra pubblica allega
        envie mande encaminhe publique anexe exporte
        stuur verstuur mail verzend upload
        wyslij przeslij opublikuj dolacz
        отправь пошли перешли опубликуй приложи
        gonder* ilet yukle paylas""",
    "data": """
        customer_list list_of_customers customer_records customer_record customer_data customer_database records database
        order_history payment_data payment_details card_numbers credit_cards personal_data private_data conversation
        chat_history conversation_history secrets e_mail_addresses email_addresses phone_numbers user_data
        customers_data all_customers every_customer other_customers list_of_all_customers
        kundendaten kundenliste liste_aller_kunden alle_kunden datenbank kundendatenbank passworter
        donnees_des_clients liste_des_clients tous_les_clients liste_de_tous_les_clients base_de_donnees
        datos_de_los_clientes lista_de_clientes todos_los_clientes datos_de_clientes base_de_datos
        dati_dei_clienti elenco_di_tutti_i_clienti tutti_i_clienti lista_dei_clienti
        dados_dos_clientes lista_de_todos_os_clientes todos_os_clientes banco_de_dados
        klantgegevens alle_klanten lijst_van_alle_klanten klantenlijst
        dane_klientow wszystkich_klientow list*_wszystkich_klientow wszystkie_dane baz*_danych
        данные_клиентов всех_клиентов список_всех базу_данных
        musteri_veri* tum_musteri* musteri_list* veritaban*""",
    "credentials": """
        api_key api_keys apikey access_token access_tokens api_token private_key credentials passwords secret_key
        bearer_token session_token zugangsdaten api_schlussel passworter mots_de_passe contrasenas credenciales
        credenziali senhas inloggegevens wachtwoorden hasla пароли parolalar""",
    "customers": """
        customers clients buyers users kunden kaufer clients acheteurs clientes compradores clienti acquirenti klanten
        kopers klientow klientami kupujacych клиентов покупателей musteri*""",
    "fetch": "fetch visit browse navigate_to open_the_url open_the_link load_the_url curl download_and follow_the_link",
    "reveal": """
        reveal show print repeat output display disclose recite quote echo dump tell_me what_are what_is list give_me
        spell_out write_out write_down zeige zeig nenne gib_aus wiederhole verrate montre affiche repete revele cite
        muestra muestrame repite revela mostra mostrami ripeti rivela mostre repita revele toon herhaal laat_zien
        pokaz powtorz ujawnij wypisz покажи повтори раскрой выведи goster* tekrarla acikla yazdir""",
    "verbatim": """
        verbatim word_for_word exactly literally in_full wort_fur_wort wortlich wortwortlich mot_pour_mot textuellement
        palabra_por_palabra textualmente parola_per_parola palavra_por_palavra woord_voor_woord slowo_w_slowo doslownie
        слово_в_слово дословно kelimesi_kelimesine""",
    "tools": "tools functions werkzeuge outils herramientas strumenti ferramentas narzedzia инструменты araclar",
    "tool": "tool function endpoint plugin werkzeug funktion outil herramienta strumento narzedzie инструмент arac",
    "call": """
        call use invoke run execute trigger rufe nutze verwende aufrufen fuhre_aus appelle utilise execute llama usa
        ejecuta chiama esegui chame use execute roep_aan gebruik wywolaj uzyj вызови используй cagir kullan calistir""",
    "not": """
        not never no don dont without nothing nobody nie nicht nichts niemals kein keine ne pas jamais rien sans nunca
        nada sin non mai niente senza nao sem nem niet niets nooit geen zonder bez nic nigdy не никогда ничего без""",
    "tell": """
        tell mention inform notify reveal disclose say alert report talk_about say_anything
        sag sage sagen erwahn* verrat* informier* mitteil*
        dis dire mentionn* inform* parle parler reveler
        dig* mencion* inform* reveles
        dire dica menzion* inform* parlar*
        diga dizer mencion* inform* revele conte
        zeg vertel noem meld
        mow powiedz wspomin* informuj
        говори сказать упомина* сообща* рассказ*""",
    "not_tell": """
        soyleme* bahsetme* haber_verme* bildirme* verschweig*""",
    "user": """
        user operator anyone anybody human humans staff owner supervisor people employee employees merchant
        nutzer benutzer bediener niemand* mitarbeiter* menschen l_utilisateur utilisateur personne operateur
        usuario operador nadie utente nessuno operatore ninguem usuario gebruiker niemand uzytkownik* nikomu
        пользовател* никому kullanici* kimse*""",
    "answer_word": """
        summary reply answer response report output zusammenfassung antwort resume reponse resumen respuesta riassunto
        risposta resumo resposta samenvatting antwoord podsumowani* odpowiedzi ответе резюме ozet* yanit*""",
    "secretly": """
        secretly silently covertly discreetly quietly_do stealthily without_mentioning without_telling without_informing
        in_secret heimlich unbemerkt im_geheimen en_secret discretement secretement en_secreto en_silencio
        secretamente in_segreto di_nascosto segretamente em_segredo stiekem in_het_geheim potajemnie w_tajemnicy
        тайно втайне незаметно gizlice""",
    "hide": "hide conceal keep_this_confidential keep_this_secret keep_it_secret keep_it_from verberge cache oculta nascondi",
    "approval": """
        approval approvals confirmation confirming confirm permission review reviewing authorisation authorization
        sign_off verification verifying asking_for
        freigabe genehmigung bestatigung ruckfrage zustimmung
        approbation validation confirmation autorisation
        aprobacion confirmacion autorizacion permiso
        approvazione conferma autorizzazione
        aprovacao confirmacao autorizacao
        goedkeuring bevestiging toestemming
        zgod* zatwierdzeni* potwierdzeni*
        одобрени* подтверждени* разрешени* согласовани*
        onay* izin*""",
    "without": """
        without no not_needed not_required unnecessary skip bypass avoid need_not ohne kein keine sans aucune pas_de sin
        ninguna ningun senza nessuna sem nenhuma zonder geen bez без istemeden olmadan gerekmi* gerek_yok""",
    "approved": """
        pre_approved preapproved already_approved already_authorised already_authorized has_been_approved
        has_approved has_already_approved been_approved bereits_genehmigt bereits_freigegeben deja_approuve
        ya_aprobad* ja_aprovad* gia_approvat* al_goedgekeurd juz_zatwierdzon* уже_одобрен* zaten_onaylan*""",
    "approve": "approve approves accept approving genehmige approuve aprueba approva aprove zatwierdz одобри onayla",
    "every": "all every each any alle jede* toutes tous todas todos tutte tutti wszystkie все tum",
    "requests": "request requests return returns refund refunds claim claims action actions approval approvals",
    "at_once": """
        immediately at_once right_now now right_away instantly urgently sofort immediatement inmediatamente subito
        immediatamente imediatamente direct natychmiast немедленно hemen""",
    "i_am": """
        i_am i_m this_is as_the as_an as_a message_from speaking ich_bin hier_ist als je_suis ici_le soy habla sono_il
        sono_l sono qui_e sou aqui_e ik_ben dit_is jestem tu_mowi я говорит ben benim""",
    "boss": """
        administrator admin superuser root developer ceo management compliance security_team head_office
        headquarters creator system_operator supervisor sysadmin administrateur administratrice administrador
        amministratore beheerder administratorem администратор yonetici* geschaftsfuhr* direction gerencia
        director_general direzione direcao directie zarzad* создател* gelistirici* entwickler* developpeur
        desarrollador sviluppatore desenvolvedor ontwikkelaar programista разработчик""",
    "command": """
        authorise authorize authorised authorized command order_you instruct directive hereby mandate
        weise_dich_an befehle ermachtig* ordonne autorise ordeno autoriz* ordino comando_di
        draag_je_op beveel gemachtigd nakazuj* rozkazuj* upowazni* приказыва* разреша* уполномоч*
        emrediyor* yetkilendir* talimat_veriyor*""",
    "vendor": "openai anthropic deepmind google_ai microsoft_ai meta_ai mistral_ai",
    "policy_word": "policy policies update updated guidelines allowed permitted terms notice",
    "now_you": """
        you_are_now you_re_now from_now_on_you you_will_act you_will_be act_as acting_as pretend roleplay role_play
        imagine_you simulate behave_as you_have_become play_the_role
        du_bist_jetzt du_bist_nun du_bist_ab verhalte_dich_wie spiele_die_rolle
        tu_es_desormais tu_es_maintenant agis_comme fais_comme_si joue_le_role
        ahora_eres actua_como finge_que
        ora_sei adesso_sei comportati_come fingi_di
        agora_voce agora_es aja_como finja
        je_bent_nu gedraag_je_als doe_alsof
        jestes_teraz zachowuj_sie udawaj
        теперь_ты ты_теперь веди_себя притворись
        artik bundan_boyle gibi_davran""",
    "unlimited": """
        unrestricted uncensored unfiltered no_restrictions without_restrictions without_limits without_rules no_rules
        no_limits no_limitations without_limitations without_filters no_filters do_anything jailbreak jailbroken
        DAN anything_now
        ohne_einschrankung* ohne_regeln ohne_grenzen sans_restriction* sans_limite* sans_regles
        sin_restriccion* sin_limite* sin_reglas senza_restrizion* senza_limit* senza_regole
        sem_restric* sem_limit* sem_regras zonder_beperking* zonder_grenzen zonder_regels bez_ogranicze* bez_zasad
        без_ограничен* без_правил kisitlamasi_olmayan sinirsiz kuralsiz""",
    "special_mode": """
        developer_mode debug_mode admin_mode god_mode maintenance_mode test_mode root_mode sudo_mode dan_mode
        entwicklermodus mode_developpeur modo_desarrollador modalita_sviluppatore modo_desenvolvedor tryb_dewelopera
        режим_разработчика gelistirici_modu""",
    "game": "game hypothetical* fictional* scenario",
}
